//! Grants that begin at the token endpoint, without a code.

use crate::engine::Engine;
use crate::engine::client_auth::{AuthenticatedClient, UNAUTHENTICATED_LIFETIME};
use crate::engine::mint::{Bearer, Decided};
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::grant::{Active, Authorization, Grant, RefreshState, State};
use crate::types::error::OAuthError;
use crate::types::ids::GrantId;
use crate::types::policy::Policy;
use crate::types::secret::SecretDigest;
use crate::types::time::{UnixMillis, UnixSeconds};

/// Whether a grant has refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshes {
    /// It ends with its refresh tokens.
    Yes,
    /// It ends with its access token.
    No,
}

impl Engine {
    /// Keeps a new grant and decides on its first tokens.  What was revoked since `created_at` ends it too.
    ///
    /// # Errors
    /// Those of the store, and without randomness.
    pub(crate) async fn begin_grant(
        &self,
        client: &AuthenticatedClient,
        authorization: Authorization,
        refreshes: Refreshes,
        created_at: UnixMillis,
    ) -> Result<Decided, OAuthError> {
        let workspace = client.workspace().record.id;
        let id = GrantId::generate(created_at, &*self.entropy)?;
        let refresh_token = match refreshes {
            Refreshes::Yes => Some(Opaque::generate(Kind::Refresh, id, 0, &self.data_keys, &*self.entropy)?),
            Refreshes::No => None,
        };
        let expires_at = self.grant_end(client, created_at, refreshes);
        let active = Active {
            authorization: authorization.clone(),
            // There was no code; random bytes are the digest of none that could be found.
            code: SecretDigest(self.entropy.array()?),
            attempt: self.entropy.array()?,
            expires_at,
            refresh: refresh_token.as_ref().map(|token| self.first_refresh(client, token)),
        };
        let grant = Grant { client: client.client().id.clone(), created_at, state: State::Active(active) };
        self.require_fresh()?;
        if !self.store.insert_grant(workspace, id, &grant).await? {
            return Err(OAuthError::server_error("a grant id came up twice"));
        }
        Ok(Decided {
            bearer: Bearer::Person {
                subject: authorization.subject,
                grant: id,
                auth_time: authorization.auth_time,
                grant_expires_at: expires_at,
            },
            scope: authorization.scope,
            refresh_token: refresh_token.map(|token| token.encode(workspace, &self.data_keys)),
        })
    }

    /// What a grant keeps of its first refresh token.
    pub(crate) fn first_refresh(&self, client: &AuthenticatedClient, token: &Opaque) -> RefreshState {
        let lifetimes = client.workspace().lifetimes(client.client().lifetimes, &self.settings);
        RefreshState {
            generation: 0,
            head: digest(token, client.workspace().record.id, &self.data_keys),
            idle_expires_at: self.now().plus(lifetimes.refresh_idle),
            idle_lifetime: lifetimes.refresh_idle,
            previous: None,
        }
    }

    /// The end of a grant that was created at an instant and gives its first tokens now.  Where a refresh
    /// token alone is enough to use it, it lives a day at most.
    pub(crate) fn grant_end(&self, client: &AuthenticatedClient, created_at: UnixMillis, refreshes: Refreshes) -> UnixSeconds {
        let lifetimes = client.workspace().lifetimes(client.client().lifetimes, &self.settings);
        let end = self.now().plus(match refreshes {
            Refreshes::Yes => lifetimes.refresh_absolute,
            Refreshes::No => lifetimes.access_token,
        });
        let policy = Policy::RefreshWithoutClientAuthentication;
        match self.policy(client.workspace(), client.client(), policy) {
            Some(_) => end.min(created_at.seconds().plus(UNAUTHENTICATED_LIFETIME)),
            None => end,
        }
    }
}
