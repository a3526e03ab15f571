//! The client credentials grant (RFC 6749 section 4.4): a token for the client itself.

use crate::engine::Engine;
use crate::engine::client_auth::AuthenticatedClient;
use crate::engine::grants::begin::Refreshes;
use crate::engine::mint::{Bearer, Decided};
use crate::store::grant::Authorization;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::ids::Subject;
use crate::types::policy::{Policy, PolicySet};

impl Engine {
    /// Decides on a token for the client itself.  Nothing is read or written.
    ///
    /// # Errors
    /// `invalid_scope` when it asks for more than it is registered for; `unauthorized_client` for a
    /// public client, which has proved nothing (section 4.4.2).
    pub(crate) fn client_credentials(
        &self,
        client: &AuthenticatedClient,
        scope: Option<String>,
        used: &mut PolicySet,
    ) -> Result<Decided, OAuthError> {
        if !client.confidential() {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "a public client cannot use client_credentials: register a client with a secret",
            ));
        }
        let scope = self.first_scope(client, scope.as_deref(), used)?;
        Ok(Decided { bearer: Bearer::Client, scope, refresh_token: None })
    }

    /// The same with a refresh token, which RFC 6749 section 4.4.3 advises against: behind the policy
    /// `refresh_token_on_client_credentials`.
    ///
    /// # Errors
    /// As [`Engine::client_credentials`], and those of the store.
    pub(crate) async fn client_credentials_with_refresh(
        &self,
        client: &AuthenticatedClient,
        scope: Option<String>,
        used: &mut PolicySet,
    ) -> Result<Decided, OAuthError> {
        let Decided { scope, .. } = self.client_credentials(client, scope, used)?;
        let policy = Policy::RefreshTokenOnClientCredentials;
        self.use_policy(client.workspace(), client.client(), policy, ErrorCode::UnauthorizedClient)?;
        used.insert(policy);
        let subject = Subject::parse(client.client().id.as_str()).map_err(OAuthError::server_error)?;
        self.begin_grant(client, Authorization { subject, scope, auth_time: None }, Refreshes::Yes, self.clock.now()).await
    }
}
