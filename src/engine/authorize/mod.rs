//! The way to a code: a request is validated and kept under a handle, a trusted caller decides it,
//! and the answer goes back to where it was asked.

use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::store::grant::AuthorizationRequest;
use crate::types::authorization::Prompt;
use crate::types::scope::Scope;
use crate::types::time::UnixSeconds;

pub mod decide;
pub mod issue_code;
pub mod response;
pub mod validate;

/// What a consent page shows.
#[derive(Clone, Debug)]
pub struct Details {
    /// The client that asks.
    pub client_id: String,
    /// Its name.
    pub client_name: String,
    /// Its page.
    pub client_uri: Option<String>,
    /// Where the answer will go.
    pub redirect_uri: String,
    /// All that would be granted.
    pub scope: Scope,
    /// When the request ends.
    pub expires_at: UnixSeconds,
    /// What the person must be asked.
    pub prompt: Vec<Prompt>,
    /// How many seconds ago the person may have signed in.
    pub max_age: Option<i64>,
}

impl Details {
    fn of(client: &Client, request: &AuthorizationRequest, expires_at: UnixSeconds) -> Self {
        Self {
            client_id: client.id.to_string(),
            client_name: client.name.clone(),
            client_uri: client.uri.clone(),
            redirect_uri: request.redirect_uri.to_string(),
            scope: request.scope.clone(),
            expires_at,
            prompt: request.prompt.clone(),
            max_age: request.max_age,
        }
    }
}

/// A place of jeton's own, with a query of one parameter that needs no encoding.
fn own_uri(workspace: &WorkspaceEntry, path: &str, parameter: &str, value: &str) -> String {
    format!("{}{path}?{parameter}={value}", workspace.issuer)
}
