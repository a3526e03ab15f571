//! Applications as messages.

use crate::engine::applications::{ApplicationForm, consent_url};
use crate::engine::workspaces::WorkspaceEntry;
use crate::pb::pages::v1;
use crate::store::client::Client;
use crate::types::error::Refusal;

/// What a form says.
pub(super) fn form_of(sent: Option<v1::ApplicationForm>) -> Result<ApplicationForm, Refusal> {
    let v1::ApplicationForm { name, redirect_uris, scopes, native } =
        sent.ok_or(Refusal::InvalidField("form", "is missing".into()))?;
    Ok(ApplicationForm { name, redirect_uris, scopes, native })
}

/// An application as its page shows it.
pub(super) fn application(workspace: &WorkspaceEntry, client: &Client) -> v1::Application {
    let ApplicationForm { name, redirect_uris, scopes, native } = ApplicationForm::of(client);
    let secrets = client.secrets.iter().map(|secret| v1::ApplicationSecret {
        created_at: secret.created_at.0,
        expires_at: secret.expires_at.map_or(0, |end| end.0),
    });
    v1::Application {
        client_id: client.id.to_string(),
        form: Some(v1::ApplicationForm { name, redirect_uris, scopes, native }),
        owner: client.owner.as_ref().map(|owner| owner.as_str().to_owned()).unwrap_or_default(),
        created_at: client.created_at.0,
        secrets: secrets.collect(),
        consent_url: consent_url(workspace, client).unwrap_or_default(),
        disabled: client.disabled,
        revision: client.revision,
    }
}
