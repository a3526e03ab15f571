//! Releasing a decided request's answer to the browser that asked.

use crate::engine::Engine;
use crate::engine::authorize::decide::{denied, require_issuing, unknown};
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, digest};
use crate::store::grant::decide::{Release, Released, release};
use crate::store::grant::{State, transition};
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::secret::Secret;

impl Engine {
    /// Releases a decided request's answer to the browser with the cookie it began with.
    ///
    /// # Errors
    /// `invalid_request` if the ticket is unknown, over or used, or the browser is another one;
    /// `unauthorized_client` while the workspace is suspended or the client is disabled.
    pub async fn continue_authorization(
        &self,
        workspace: &WorkspaceName,
        sent: &Secret,
        browser: &Secret,
    ) -> Result<String, Refusal> {
        let workspace = self.workspace(workspace)?;
        require_issuing(&workspace)?;
        let id = workspace.record.id;
        let (ticket, loaded) = self.load_by_token(&workspace, Kind::Ticket, sent).await?;
        let client = self.client_of(&workspace, &loaded.record).await?;
        let allowed = match &loaded.record.state {
            State::Decided(decided) => decided.approved.as_ref(),
            State::Requested(_) | State::CodeIssued(_) | State::Active(_) | State::Revoked(_) => None,
        };
        let implicit = self.implicit_of(&workspace, &client, &loaded.record, allowed).await?;
        let code = ticket.derive(Kind::Code, id, &self.data_keys);
        let now = self.now();
        let releasing = Release {
            ticket: digest(&ticket, id, &self.data_keys),
            browser: self.data_keys.newest().digest(Purpose::Browser, id, browser.expose_secret()),
            code: digest(&code, id, &self.data_keys),
            expires_at: now.plus(self.code_lifetime(&workspace, &loaded.record)),
            token_expires_at: implicit.as_ref().map_or(now, |client| self.implicit_end(client.workspace(), client.client())),
            now,
        };
        self.require_fresh()?;
        let outcome = transition(&*self.store, id, ticket.grant(), loaded, |grant| release(grant, &releasing)).await?;
        match outcome.unwrap_or(Released::Missing) {
            Released::Code(request) => Ok(self.code_answer(&workspace, &request, &code, "handle", sent)),
            Released::Token(request, authorization) => {
                let client = implicit.ok_or_else(|| unknown(Kind::Ticket))?;
                Ok(self.implicit_answer(&client, ticket.grant(), &request, authorization)?)
            }
            Released::Denied(request, code) => Ok(denied(&workspace, &request, code)),
            Released::OtherBrowser => Err(OAuthError::invalid_request(
                "this sign-in began in another browser, or its cookie is gone; it is over now: start again from the application",
            )
            .into()),
            Released::Missing | Released::Expired => Err(unknown(Kind::Ticket).into()),
        }
    }
}
