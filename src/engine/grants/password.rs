//! The password grant (RFC 6749 section 4.3), behind the policy `password_grant`.

use std::net::IpAddr;

use crate::engine::Engine;
use crate::engine::client_auth::AuthenticatedClient;
use crate::engine::grants::begin::Refreshes;
use crate::engine::mint::Decided;
use crate::store::grant::Authorization;
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::policy::{Policy, PolicySet};
use crate::types::secret::Secret;

/// What a person entered in the client.
#[derive(Debug)]
pub(crate) struct Password {
    /// Who they say they are.
    pub username: String,
    /// Their password.
    pub password: Secret,
    /// Who sent the request.
    pub address: Option<IpAddr>,
}

impl Engine {
    /// Decides on a grant for a person who entered their password in the client.
    ///
    /// # Errors
    /// `unauthorized_client` without the policy, and those of [`Engine::check_password`].
    pub(crate) async fn password(
        &self,
        client: &AuthenticatedClient,
        presented: Password,
        scope: Option<String>,
        used: &mut PolicySet,
    ) -> Result<Decided, OAuthError> {
        let (workspace, record) = (client.workspace(), client.client());
        self.use_policy(workspace, record, Policy::PasswordGrant, ErrorCode::UnauthorizedClient)?;
        used.insert(Policy::PasswordGrant);
        let scope = self.first_scope(client, scope.as_deref(), used)?;
        let Password { username, password, address } = presented;
        if username.is_empty() || password.is_empty() {
            return Err(OAuthError::invalid_request("username or password is missing"));
        }
        let presented_at = self.clock.now();
        let subject = self.check_password(workspace, &username, &password, address).await?;
        let refreshes = if record.grant_types.contains(&GrantType::RefreshToken) { Refreshes::Yes } else { Refreshes::No };
        let authorization = Authorization { subject, scope, auth_time: Some(presented_at.seconds()) };
        self.begin_grant(client, authorization, refreshes, presented_at).await
    }
}
