//! The implicit grant (RFC 6749 section 4.2), behind the policy `implicit_grant`: a short token in the
//! fragment of an exact redirect URI, and never a refresh token.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::authorize::response::ResponseTarget;
use crate::engine::mint::{Bearer, Decided};
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::store::grant::{Authorization, AuthorizationRequest};
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::ids::GrantId;
use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

/// The longest life of a token that travelled through a browser's address bar, in seconds.
const MAX_LIFETIME: i64 = 600;

/// Proof that a client may have the implicit grant: only this file makes one.
#[derive(Clone, Debug)]
pub struct ImplicitClient {
    workspace: Arc<WorkspaceEntry>,
    client: Arc<Client>,
}

impl ImplicitClient {
    /// Its workspace.
    pub(crate) fn workspace(&self) -> &Arc<WorkspaceEntry> {
        &self.workspace
    }

    /// What was registered of it.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Engine {
    /// Judges the policy at the request; its use counts when the token is issued.
    ///
    /// # Errors
    /// `unauthorized_client` when it is off; `invalid_scope` for `*` unless the operator stated that
    /// the client may have both.
    pub(super) fn check_implicit(&self, workspace: &WorkspaceEntry, client: &Client, scope: &str) -> Result<(), OAuthError> {
        let Some(granted) = self.policy(workspace, client, Policy::ImplicitGrant) else {
            return self.use_policy(workspace, client, Policy::ImplicitGrant, ErrorCode::UnauthorizedClient);
        };
        if scope == "*" && !granted.with_wildcard_scope {
            return Err(OAuthError::invalid_scope(
                "scope must name its scopes one by one, not *: the policy implicit_grant does not state that it may have wildcard_scope",
            ));
        }
        Ok(())
    }

    /// Judges the policy when the token is issued, and counts its use.
    ///
    /// # Errors
    /// `unauthorized_client` when it is off.
    pub(super) fn implicit_client(
        &self,
        workspace: &Arc<WorkspaceEntry>,
        client: &Arc<Client>,
    ) -> Result<ImplicitClient, OAuthError> {
        self.use_policy(workspace, client, Policy::ImplicitGrant, ErrorCode::UnauthorizedClient)?;
        Ok(ImplicitClient { workspace: Arc::clone(workspace), client: Arc::clone(client) })
    }

    /// When a token that is issued now ends, and its grant with it.
    pub(super) fn implicit_end(&self, workspace: &WorkspaceEntry, client: &Client) -> UnixSeconds {
        let lifetime = workspace.lifetimes(client.lifetimes, &self.settings).access_token;
        self.now().plus(lifetime.min(MAX_LIFETIME))
    }

    /// The authorization response with the token.
    ///
    /// # Errors
    /// As the mint.
    pub(super) fn implicit_answer(
        &self,
        client: &ImplicitClient,
        grant: GrantId,
        request: &AuthorizationRequest,
        authorization: Authorization,
    ) -> Result<String, OAuthError> {
        let tokens = self.mint(
            client,
            Decided {
                scope: authorization.scope,
                bearer: Bearer::Person {
                    subject: authorization.subject,
                    grant,
                    auth_time: authorization.auth_time,
                    grant_expires_at: self.implicit_end(&client.workspace, &client.client),
                },
                refresh_token: None,
            },
        )?;
        Ok(ResponseTarget::of(request, &client.workspace.issuer).token(&tokens))
    }
}
