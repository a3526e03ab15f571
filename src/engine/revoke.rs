//! Revocation (RFC 7009).

use crate::engine::Engine;
use crate::engine::access_token::Claims;
use crate::engine::client_auth::{AuthenticatedClient, ClientCredential};
use crate::keys::opaque::{Kind, Opaque};
use crate::store::grant::revoke::revoke;
use crate::store::grant::transition;
use crate::types::error::OAuthError;
use crate::types::ids::WorkspaceName;
use crate::types::secret::Secret;
use crate::types::time::UnixSeconds;

impl Engine {
    /// Ends a token of the client that asks: an access token alone, or with a refresh token, of any
    /// age, its whole grant.  A token that is unknown or another client's is answered alike and left
    /// as it is (RFC 7009 section 2.2).  The end is durable when this returns.
    ///
    /// # Errors
    /// `invalid_client` if the client did not authenticate; `temporarily_unavailable` if the end could
    /// not be made durable: then the token must be taken for still active (threat B6).
    pub async fn revoke(
        &self,
        workspace: &WorkspaceName,
        credential: &ClientCredential,
        token: &Secret,
    ) -> Result<(), OAuthError> {
        let client = self.authenticate(workspace, credential).await?;
        match Opaque::parse(Kind::Refresh, client.workspace().record.id, token, &self.data_keys) {
            Some(refresh_token) => self.revoke_grant(&client, &refresh_token).await,
            None => self.revoke_access_token(&client, token).await,
        }
    }

    async fn revoke_grant(&self, client: &AuthenticatedClient, token: &Opaque) -> Result<(), OAuthError> {
        let id = client.workspace().record.id;
        let Some(loaded) = self.store.grant(id, token.grant()).await? else { return Ok(()) };
        if loaded.record.client != client.client().id {
            return Ok(());
        }
        let now = self.now();
        let reason = "the client revoked it";
        transition(&*self.store, id, token.grant(), loaded, |grant| revoke(grant, now, reason)).await?;
        Ok(())
    }

    async fn revoke_access_token(&self, client: &AuthenticatedClient, token: &Secret) -> Result<(), OAuthError> {
        let workspace = client.workspace();
        let now = self.now();
        let Some(claims) = workspace.keys.verify::<Claims<'static>>(token.expose_secret(), now) else { return Ok(()) };
        if claims.client_id != client.client().id.as_str() || now.0 >= claims.exp {
            return Ok(());
        }
        Ok(self.store.revoke_token(workspace.record.id, &claims.jti, UnixSeconds(claims.exp)).await?)
    }
}
