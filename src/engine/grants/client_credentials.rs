//! The client credentials grant (RFC 6749 section 4.4): a token for the client itself.

use crate::engine::Engine;
use crate::engine::client_auth::AuthenticatedClient;
use crate::engine::mint::{Bearer, Decided};
use crate::types::error::{ErrorCode, OAuthError};

impl Engine {
    /// Decides on a token for the client itself.  Nothing is read or written.
    ///
    /// # Errors
    /// `invalid_scope` when it asks for more than it is registered for; `unauthorized_client` for a
    /// public client, which has proved nothing (section 4.4.2).
    pub(crate) fn client_credentials(&self, client: &AuthenticatedClient, scope: Option<String>) -> Result<Decided, OAuthError> {
        if !client.confidential() {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "a public client cannot use client_credentials: register a client with a secret",
            ));
        }
        let scope = self.allowed_scope(client.workspace(), client.client(), scope.as_deref())?;
        Ok(Decided { bearer: Bearer::Client, scope, refresh_token: None })
    }
}
