//! An authorization request that a person pastes into a browser.

use url::form_urlencoded::Serializer;

use crate::engine::authorize::shows_code;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::types::client::{AuthMethod, GrantType};

/// The authorization request of a client whose codes are shown on our own page; `None` where it would
/// need PKCE, whose verifier nobody can paste.
#[must_use]
pub fn consent_url(workspace: &WorkspaceEntry, client: &Client) -> Option<String> {
    let confidential = client.auth_method != AuthMethod::None;
    if !confidential || !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return None;
    }
    let page = client.redirect_uris.iter().find(|uri| shows_code(workspace, uri.as_str()))?;
    let mut query = Serializer::new(String::new());
    query.extend_pairs([("response_type", "code"), ("client_id", client.id.as_str()), ("redirect_uri", page.as_str())]);
    Some(format!("{}/oauth2/authorize?{}", workspace.issuer, query.finish()))
}
