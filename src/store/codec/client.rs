//! Clients as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::client::{Client, ClientSecret};
use crate::store::codec::{Record, field, policy};
use crate::types::client::{ApplicationType, AuthMethod, GrantType, Permission};
use crate::types::ids::{ClientId, Subject};
use crate::types::redirect_uri::RedirectUri;
use crate::types::scope::Scope;
use crate::types::time::{UnixMillis, UnixSeconds};

impl Record for Client {
    const TREE: &'static str = "clients";
    type Message = pb::Client;

    fn to_message(&self) -> pb::Client {
        pb::Client {
            client_id: self.id.as_str().to_owned(),
            name: self.name.clone(),
            redirect_uris: self.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            grant_types: self.grant_types.iter().map(|grant_type| grant_type.as_str().to_owned()).collect(),
            auth_method: self.auth_method.as_str().to_owned(),
            application_type: self.application_type.as_str().to_owned(),
            scope: self.scope.as_str().to_owned(),
            default_scope: self.default_scope.as_str().to_owned(),
            default_audience: self.default_audience.clone().unwrap_or_default(),
            lifetimes: Some(field::lifetimes_message(self.lifetimes)),
            client_uri: self.uri.clone().unwrap_or_default(),
            secrets: self.secrets.iter().map(secret_message).collect(),
            disabled: self.disabled,
            permissions: self.permissions.iter().map(|permission| permission.as_str().to_owned()).collect(),
            created_at: self.created_at.0,
            revision: self.revision,
            not_before_ms: self.not_before.0,
            policies: self.policies.iter().map(policy::grant_message).collect(),
            branding: Some(field::branding_message(&self.branding)),
            owner: self.owner.as_ref().map(|owner| owner.as_str().to_owned()).unwrap_or_default(),
        }
    }

    fn from_message(message: pb::Client) -> Option<Self> {
        Some(Self {
            id: ClientId::parse(&message.client_id).ok()?,
            name: message.name,
            uri: field::text(message.client_uri),
            redirect_uris: message.redirect_uris.into_iter().map(RedirectUri::from_stored).collect(),
            grant_types: message.grant_types.iter().map(|name| GrantType::from_name(name)).collect::<Option<_>>()?,
            auth_method: AuthMethod::from_name(&message.auth_method)?,
            application_type: ApplicationType::from_name(&message.application_type)?,
            scope: Scope::parse(&message.scope).ok()?,
            default_scope: Scope::parse(&message.default_scope).ok()?,
            default_audience: field::text(message.default_audience),
            lifetimes: field::lifetimes(message.lifetimes),
            secrets: message.secrets.into_iter().map(secret).collect::<Option<_>>()?,
            disabled: message.disabled,
            permissions: message.permissions.iter().map(|name| Permission::from_name(name)).collect::<Option<_>>()?,
            policies: message.policies.into_iter().map(policy::grant).collect::<Option<_>>()?,
            branding: field::branding(message.branding),
            owner: match message.owner.as_str() {
                "" => None,
                owner => Some(Subject::parse(owner).ok()?),
            },
            created_at: UnixSeconds(message.created_at),
            not_before: UnixMillis(message.not_before_ms),
            revision: message.revision,
        })
    }
}

fn secret_message(secret: &ClientSecret) -> pb::ClientSecret {
    pb::ClientSecret {
        id: secret.id.clone(),
        data_key: u32::from(secret.data_key),
        digest: secret.digest.0.to_vec(),
        created_at: secret.created_at.0,
        expires_at: secret.expires_at.unwrap_or_default().0,
    }
}

fn secret(message: pb::ClientSecret) -> Option<ClientSecret> {
    Some(ClientSecret {
        id: message.id,
        data_key: message.data_key.try_into().ok()?,
        digest: field::digest(&message.digest)?,
        created_at: UnixSeconds(message.created_at),
        expires_at: (message.expires_at != 0).then_some(UnixSeconds(message.expires_at)),
    })
}

/// Under a person and a client: that the person registered it.  The client's own record decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedClient(pub ClientId);

impl Record for OwnedClient {
    const TREE: &'static str = "owned_clients";
    // google.protobuf.StringValue, as prost writes a plain text.
    type Message = String;

    fn to_message(&self) -> String {
        self.0.as_str().to_owned()
    }

    fn from_message(message: String) -> Option<Self> {
        ClientId::parse(&message).ok().map(Self)
    }
}
