//! Sessions: a person who signed in with this browser.  The server keeps the record, the browser only a token, and
//! signing in always makes a new one, so that none can be planted (session fixation).

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::session::Session;
use crate::types::error::OAuthError;
use crate::types::ids::{GrantId, SessionId, Subject};
use crate::types::secret::Secret;
use crate::types::time::UnixMillis;

/// Proof that a person is signed in, in a workspace, with the browser that asks.
#[derive(Clone, Debug)]
pub struct SignedIn {
    workspace: Arc<WorkspaceEntry>,
    subject: Subject,
    username: String,
    administrator: bool,
    signed_in_at: UnixMillis,
}

impl SignedIn {
    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> &Arc<WorkspaceEntry> {
        &self.workspace
    }

    /// Who.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What they signed in with.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Whether they see every application of the workspace.
    #[must_use]
    pub fn administrator(&self) -> bool {
        self.administrator
    }

    /// When they signed in.
    #[must_use]
    pub fn signed_in_at(&self) -> UnixMillis {
        self.signed_in_at
    }
}

impl Engine {
    /// Begins a session for a person who has just proved who they are, with what they presented at an instant: what
    /// ended everything since then ends the session too.
    ///
    /// # Errors
    /// Those of the store, and without randomness.
    pub(crate) async fn begin_session(
        &self,
        workspace: &WorkspaceEntry,
        subject: Subject,
        presented_at: UnixMillis,
    ) -> Result<Secret, OAuthError> {
        let record = GrantId::generate(presented_at, &*self.entropy)?;
        let token = Opaque::generate(Kind::Session, record, 0, &self.data_keys, &*self.entropy)?;
        let id = workspace.record.id;
        let session = Session {
            subject,
            signed_in_at: presented_at,
            token: digest(&token, id, &self.data_keys),
            expires_at: presented_at.seconds().plus(self.settings.session_lifetime),
        };
        match self.store.insert_session(id, SessionId(record.0), &session).await? {
            true => Ok(token.encode(id, &self.data_keys)),
            false => Err(OAuthError::server_error("a session id came up twice")),
        }
    }

    /// Who is signed in; `None` for a token that is over, unknown, or of a person who may not be spoken for.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn signed_in(
        &self,
        workspace: &Arc<WorkspaceEntry>,
        token: Option<&Secret>,
    ) -> Result<Option<SignedIn>, OAuthError> {
        let id = workspace.record.id;
        let Some(token) = token.and_then(|token| Opaque::parse(Kind::Session, id, token, &self.data_keys)) else {
            return Ok(None);
        };
        let Some(session) = self.store.session(id, SessionId(token.grant().0)).await? else { return Ok(None) };
        let same = session.token.matches(&digest(&token, id, &self.data_keys));
        if !same || self.now() >= session.expires_at || workspace.record.suspended {
            return Ok(None);
        }
        let user = self.store.user(id, &session.subject).await?;
        let stands = user.as_ref().is_none_or(|user| !user.disabled && session.signed_in_at > user.not_before);
        if !stands {
            return Ok(None);
        }
        Ok(Some(SignedIn {
            workspace: Arc::clone(workspace),
            username: user.as_ref().map_or_else(|| session.subject.as_str().to_owned(), |user| user.username.clone()),
            administrator: user.is_some_and(|user| user.administrator),
            subject: session.subject,
            signed_in_at: session.signed_in_at,
        }))
    }

    /// Ends a session; one that is not there has ended.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn end_session(&self, workspace: &WorkspaceEntry, token: &Secret) -> Result<(), OAuthError> {
        let id = workspace.record.id;
        if let Some(token) = Opaque::parse(Kind::Session, id, token, &self.data_keys) {
            self.store.delete_session(id, SessionId(token.grant().0)).await?;
        }
        Ok(())
    }
}
