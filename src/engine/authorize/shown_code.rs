//! The code of a request whose answer is shown on the server's own page, for the person to copy.
//!
//! The page is found by the handle that released the code, so that the code itself stands in no URL.

use crate::engine::Engine;
use crate::engine::authorize::decide::unknown;
use crate::engine::authorize::shows_code;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::client::Client;
use crate::store::grant::State;
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::scope::Scope;
use crate::types::secret::Secret;

use std::sync::Arc;

/// A code for the person to copy.
#[derive(Debug)]
pub struct ShownCode {
    /// Single-use.
    pub code: Secret,
    /// Whom it is for.
    pub client: Arc<Client>,
    /// What it gives.
    pub scope: Scope,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl Engine {
    /// The code that a handle or a ticket released to this browser.  Asking again shows the same.
    ///
    /// # Errors
    /// `invalid_request` if there is none, it was used or is over, or it is another browser's.
    pub async fn shown_code(
        &self,
        workspace: &WorkspaceName,
        released_by: &Secret,
        browser: &Secret,
    ) -> Result<ShownCode, Refusal> {
        let workspace = self.workspace(workspace)?;
        let id = workspace.record.id;
        let parse = |kind| Opaque::parse(kind, id, released_by, &self.data_keys);
        let token = parse(Kind::Handle).or_else(|| parse(Kind::Ticket)).ok_or_else(|| unknown(Kind::Handle))?;
        let loaded = self.store.grant(id, token.grant()).await?.ok_or_else(|| unknown(Kind::Handle))?;
        let issued = match &loaded.record.state {
            State::CodeIssued(issued) => issued,
            State::Active(_) | State::Revoked(_) => {
                return Err(OAuthError::invalid_request("the code was already used, so it is not shown again").into());
            }
            State::Requested(_) | State::Decided(_) => return Err(unknown(Kind::Handle).into()),
        };
        let presented = digest(&token, id, &self.data_keys);
        let browser = self.data_keys.newest().digest(Purpose::Browser, id, browser.expose_secret());
        let here = issued.released_by.is_some_and(|by| by.matches(&presented))
            && issued.request.browser.is_some_and(|asked| asked.matches(&browser))
            && shows_code(&workspace, issued.request.redirect_uri.as_str());
        let now = self.now();
        if !here || now >= issued.expires_at {
            return Err(unknown(Kind::Handle).into());
        }
        let client = self.clients.get(id, &loaded.record.client).await?.ok_or_else(|| unknown(Kind::Handle))?;
        Ok(ShownCode {
            code: token.derive(Kind::Code, id, &self.data_keys).encode(id, &self.data_keys),
            client,
            scope: issued.authorization.scope.clone(),
            expires_in: issued.expires_at.since(now),
        })
    }
}
