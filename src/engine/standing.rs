//! Whether what was granted still stands: the client, the person and the scope it rests on
//! (RFC 9700 section 4.14.2).

use crate::engine::Engine;
use crate::store::client::Client;
use crate::store::grant::{Authorization, Grant};
use crate::types::error::OAuthError;
use crate::types::ids::{Subject, WorkspaceId};
use crate::types::time::UnixMillis;

impl Engine {
    /// What a grant of `client` rested on and has been withdrawn, in words for the client's developer;
    /// `None` while it stands.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn withdrawn(
        &self,
        workspace: WorkspaceId,
        client: &Client,
        grant: &Grant,
        authorization: &Authorization,
    ) -> Result<Option<&'static str>, OAuthError> {
        if client.disabled {
            return Ok(Some("the client is disabled"));
        }
        if grant.created_at <= client.not_before {
            return Ok(Some("the client's tokens were revoked; ask the person again"));
        }
        if !authorization.scope.within(&client.scope) {
            return Ok(Some("the client lost a scope of this grant; ask the person again"));
        }
        let stands = self.person_stands(workspace, &authorization.subject, grant.created_at).await?;
        Ok(if stands { None } else { Some("the person's tokens were revoked") })
    }

    /// Whether a subject may be spoken for with what was granted at `granted_at`.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn person_stands(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        granted_at: UnixMillis,
    ) -> Result<bool, OAuthError> {
        let user = self.store.user(workspace, subject).await?;
        Ok(user.is_none_or(|user| !user.disabled && granted_at > user.not_before))
    }
}
