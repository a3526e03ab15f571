//! Whether an access token still stands: everything it rests on is read.

use crate::store::grant::State;
use crate::store::sled::SledStore;
use crate::store::token::IssuedToken;
use crate::store::{Store, StoreError, place};
use crate::types::ids::WorkspaceId;

impl SledStore {
    pub(super) async fn stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> Result<bool, StoreError> {
        if let Some(grant) = token.grant {
            let Some(loaded) = self.grants.get(&place::grant(workspace, grant)).await? else { return Ok(false) };
            let State::Active(_) = &loaded.record.state else { return Ok(false) };
            // The grant's age counts, not the token's: one that was minted beside a revocation is younger than it.
            let granted_at = loaded.record.created_at;
            let standing = self.standing(workspace, token.subject, token.client).await?;
            if !standing.person_stands(granted_at) || standing.consent_withdrawn(granted_at) {
                return Ok(false);
            }
        }
        Ok(self.revoked_tokens.get(&place::within(workspace, token.jti.as_bytes())).await?.is_none())
    }
}
