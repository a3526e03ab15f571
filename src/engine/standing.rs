//! Whether what was granted still stands: the client, the person and the scope it rests on
//! (RFC 9700 section 4.14.2).

use crate::engine::Engine;
use crate::store::client::Client;
use crate::store::grant::{Authorization, Grant};
use crate::types::error::OAuthError;
use crate::types::ids::{ClientId, Subject, WorkspaceId};
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
        let standing = self.store.standing(workspace, &authorization.subject, &client.id).await?;
        if !standing.person_stands(grant.created_at) {
            return Ok(Some("the person's tokens were revoked"));
        }
        let withdrawn = of_a_person(authorization) && standing.consent_withdrawn(grant.created_at);
        Ok(if withdrawn { Some("the person withdrew their consent; ask them again") } else { None })
    }

    /// Whether a person withdrew what they allowed a client at `granted_at`.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn consent_withdrawn(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        client: &ClientId,
        granted_at: UnixMillis,
    ) -> Result<bool, OAuthError> {
        let consent = self.store.consent(workspace, subject, client).await?;
        Ok(consent.is_some_and(|consent| granted_at <= consent.not_before))
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
        Ok(user.is_none_or(|user| user.stands(granted_at)))
    }
}

/// A client's own grant rests on nobody's consent.
pub(super) fn of_a_person(authorization: &Authorization) -> bool {
    authorization.auth_time.is_some()
}
