//! A client as it is shown, under the names of RFC 7591.

use serde_json::{Map, Value, json};

use crate::cli::client::metadata::{auth_method_name, grant_type_name, permission_name};
use crate::cli::output::{Record, instant, number, text};
use crate::pb::v1::{ApplicationType, Client, ClientPolicy};

/// A client without its secret.
pub fn record(client: Client) -> Record {
    let permissions: Vec<&str> = client.permissions().map(permission_name).collect();
    let metadata = client.metadata.unwrap_or_default();
    let grant_types: Vec<&str> = metadata.grant_types().map(grant_type_name).collect();
    let auth_method = auth_method_name(metadata.token_endpoint_auth_method());
    let application_type = match metadata.application_type() {
        ApplicationType::Unspecified | ApplicationType::Web => "web",
        ApplicationType::Native => "native",
    };
    let lifetimes = metadata.lifetimes.unwrap_or_default();
    let secrets: Vec<_> = client
        .secrets
        .into_iter()
        .map(|secret| {
            json!({
                "secret_id": secret.secret_id,
                "created_at": instant(secret.created_at),
                "expires_at": instant(secret.expires_at),
            })
        })
        .collect();
    let policies: Vec<_> = client.policies.into_iter().map(|on| Value::Object(policy(on))).collect();
    vec![
        ("client_id", text(client.client_id)),
        ("workspace", text(client.workspace)),
        ("client_name", text(metadata.client_name)),
        ("grant_types", json!(grant_types)),
        ("redirect_uris", json!(metadata.redirect_uris)),
        ("scope", text(metadata.scope)),
        ("default_scope", text(metadata.default_scope)),
        ("default_audience", text(metadata.default_audience)),
        ("token_endpoint_auth_method", json!(auth_method)),
        ("application_type", json!(application_type)),
        ("client_uri", text(metadata.client_uri)),
        ("logo_uri", text(metadata.logo_uri)),
        ("brand_color", text(metadata.brand_color)),
        ("access_token_lifetime", number(lifetimes.access_token_seconds)),
        ("refresh_idle_lifetime", number(lifetimes.refresh_idle_seconds)),
        ("refresh_absolute_lifetime", number(lifetimes.refresh_absolute_seconds)),
        ("permissions", json!(permissions)),
        ("policies", json!(policies)),
        ("owner", text(client.owner)),
        ("secrets", json!(secrets)),
        ("disabled", json!(client.disabled)),
        ("created_at", instant(client.created_at)),
        ("revision", json!(client.revision)),
    ]
}

/// A policy that is on, without what does not apply to it.
fn policy(on: ClientPolicy) -> Map<String, Value> {
    let members = [
        ("policy", text(on.policy)),
        ("reason", text(on.reason)),
        ("since", instant(on.since)),
        ("expires_at", instant(on.expires_at)),
        ("with_wildcard_scope", if on.with_wildcard_scope { json!(true) } else { Value::Null }),
    ];
    let set = members.into_iter().filter(|(_, value)| !value.is_null());
    set.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A client with the secret that is shown this once.
pub fn record_with_secret(client: Client, client_secret: String) -> Record {
    let mut record = record(client);
    record.insert(1.min(record.len()), ("client_secret", text(client_secret)));
    record
}
