//! The way to a code: a request is validated and kept under a handle, a trusted caller decides it,
//! and the answer goes back to where it was asked.

use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::store::grant::AuthorizationRequest;
use crate::types::authorization::Prompt;
use crate::types::scope::Scope;
use crate::types::time::UnixSeconds;

pub mod decide;
pub(super) mod implicit;
pub mod issue_code;
pub mod prompt;
pub mod release;
pub mod response;
pub mod shown_code;
pub mod validate;

/// The page that shows a code to the person, for applications that cannot be redirected to.
pub const CODE_PAGE_PATH: &str = "/authorized";

/// The redirect URI of a workspace's own code page.
#[must_use]
pub fn code_page(workspace: &WorkspaceEntry) -> String {
    format!("{}{CODE_PAGE_PATH}", workspace.issuer)
}

/// Whether the answer to a request is shown on the server's own page, and not sent to the client.
#[must_use]
pub fn shows_code(workspace: &WorkspaceEntry, redirect_uri: &str) -> bool {
    redirect_uri.strip_suffix(CODE_PAGE_PATH) == Some(&workspace.issuer)
}

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
