//! One file per grant type.  Each looks at what was presented and decides what may be issued.

pub mod authorization_code;
pub mod client_credentials;
pub mod refresh_token;

use crate::engine::Engine;
use crate::engine::client_auth::AuthenticatedClient;
use crate::store::grant::{Authorization, Grant};
use crate::types::error::OAuthError;
use crate::types::ids::{Subject, WorkspaceId};
use crate::types::time::UnixMillis;

impl Engine {
    /// Refuses a grant whose client, person or scope was withdrawn since it was given (SECURITY B4, B5).
    pub(crate) async fn require_standing(
        &self,
        client: &AuthenticatedClient,
        grant: &Grant,
        authorization: &Authorization,
    ) -> Result<(), OAuthError> {
        let registered = client.client();
        if grant.created_at <= registered.not_before {
            return Err(OAuthError::invalid_grant("the client's tokens were revoked; ask the person again"));
        }
        if !authorization.scope.within(&registered.scope) {
            return Err(OAuthError::invalid_grant("the client lost a scope of this grant; ask the person again"));
        }
        if !self.person_stands(client.workspace().record.id, &authorization.subject, grant.created_at).await? {
            return Err(OAuthError::invalid_grant("the person's tokens were revoked"));
        }
        Ok(())
    }

    /// Whether a subject may be spoken for with what was granted at `granted_at`.
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
