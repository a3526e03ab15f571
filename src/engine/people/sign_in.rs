//! Signing in and out with a browser.

use std::net::IpAddr;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::types::error::Refusal;
use crate::types::secret::Secret;

/// What the server itself knows of a browser that sends a form; nothing of it was claimed.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The value of the cookie that ties forms and authorization requests to the browser.
    pub browser: Option<Secret>,
    /// The value of the session cookie.
    pub session: Option<Secret>,
    /// Where it is.
    pub address: Option<IpAddr>,
}

/// What a person types.
#[derive(Debug)]
pub struct Credentials {
    /// As it was typed.
    pub username: String,
    /// As it was typed.
    pub password: Secret,
}

impl Engine {
    /// Signs a person in and answers the value of the new session's cookie.  The session that the browser
    /// brought ends, whosever it was, and is never used again (session fixation).
    ///
    /// # Errors
    /// `PermissionDenied` for a form that is not ours, and those of `check_password`: `invalid_grant`,
    /// `too_many_requests`, `unauthorized_client`, `temporarily_unavailable`.
    pub async fn sign_in(
        &self,
        workspace: &WorkspaceEntry,
        visitor: &Visitor,
        csrf_token: &str,
        credentials: &Credentials,
    ) -> Result<Secret, Refusal> {
        self.check_csrf(workspace.record.id, visitor.browser.as_ref(), csrf_token)?;
        let Credentials { username, password } = credentials;
        let presented_at = self.clock.now();
        let subject = self.check_password(workspace, username, password, visitor.address).await?;
        if let Some(before) = &visitor.session {
            self.end_session(workspace, before).await?;
        }
        Ok(self.begin_session(workspace, subject, presented_at).await?)
    }

    /// Ends the session that a browser brings; without one it has ended already.
    ///
    /// # Errors
    /// `PermissionDenied` for a form that is not ours, and those of the store.
    pub async fn sign_out(&self, workspace: &WorkspaceEntry, visitor: &Visitor, csrf_token: &str) -> Result<(), Refusal> {
        self.check_csrf(workspace.record.id, visitor.browser.as_ref(), csrf_token)?;
        match &visitor.session {
            Some(session) => Ok(self.end_session(workspace, session).await?),
            None => Ok(()),
        }
    }
}
