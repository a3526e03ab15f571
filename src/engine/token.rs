//! The token endpoint (RFC 6749 section 3.2) as a list of steps: authenticate the client, ask its
//! grant type's file for a decision, mint.

use crate::engine::Engine;
use crate::engine::client_auth::ClientCredential;
use crate::engine::mint::Tokens;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::ids::WorkspaceName;
use crate::types::policy::Policy;
use crate::types::scope::Scope;
use crate::types::secret::Secret;

/// What a token request presents.
#[derive(Debug)]
pub enum TokenGrant {
    /// RFC 6749 section 4.1.3.
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// The `redirect_uri` parameter.
        redirect_uri: Option<String>,
        /// RFC 7636 section 4.5.
        code_verifier: Option<Secret>,
        /// The `scope` parameter.
        scope: Option<String>,
    },
    /// RFC 6749 section 6.
    RefreshToken {
        /// The refresh token.
        refresh_token: Secret,
        /// The `scope` parameter.
        scope: Option<String>,
    },
    /// RFC 6749 section 4.4.
    ClientCredentials {
        /// The `scope` parameter.
        scope: Option<String>,
    },
    /// RFC 6749 section 4.3, behind the policy `password_grant`.
    Password {
        /// The `username` parameter.
        username: String,
        /// The `password` parameter.
        password: Secret,
        /// The `scope` parameter.
        scope: Option<String>,
    },
}

impl TokenGrant {
    /// Its grant type.
    #[must_use]
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::Password { .. } => GrantType::Password,
        }
    }
}

impl Engine {
    /// Issues tokens.  What a grant uses up is durably used up when this returns.
    ///
    /// # Errors
    /// Those of RFC 6749 section 5.2; nothing is used up unless the error says so.
    pub async fn issue_token(
        &self,
        workspace: &WorkspaceName,
        credential: &ClientCredential,
        grant: TokenGrant,
    ) -> Result<Tokens, OAuthError> {
        let client = self.authenticate(workspace, credential).await?;
        require_grant_type(client.client(), grant.grant_type())?;
        // Boxed, where a flush to disk follows: their states would make that of every call large.
        let decided = match grant {
            TokenGrant::AuthorizationCode { code, redirect_uri, code_verifier, scope } => {
                Box::pin(self.authorization_code(&client, code, redirect_uri, code_verifier, scope)).await?
            }
            TokenGrant::RefreshToken { refresh_token, scope } => {
                Box::pin(self.refresh_token(&client, refresh_token, scope)).await?
            }
            TokenGrant::ClientCredentials { scope } => self.client_credentials(&client, scope)?,
            TokenGrant::Password { .. } => {
                return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the password grant is off"));
            }
        };
        self.mint(&client, decided)
    }

    /// The scope that a first grant to `client` may have: what it asks for, else the client's default.
    /// `*` is all that the client registered, behind the policy `wildcard_scope`; it never goes further than here.
    ///
    /// # Errors
    /// `invalid_scope` for what the client is not registered for.
    pub(crate) fn allowed_scope(
        &self,
        workspace: &WorkspaceEntry,
        client: &Client,
        parameter: Option<&str>,
    ) -> Result<Scope, OAuthError> {
        if parameter == Some("*") {
            self.use_policy(workspace, client, Policy::WildcardScope, ErrorCode::InvalidScope)?;
            return Ok(client.scope.clone());
        }
        allowed_scope(client, parameter)
    }
}

/// Refuses a client that is not registered for a grant type.
pub(crate) fn require_grant_type(client: &Client, grant_type: GrantType) -> Result<(), OAuthError> {
    if client.grant_types.contains(&grant_type) {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UnauthorizedClient,
        format!("the client is not registered for {grant_type}: add it to the client's grant_types"),
    ))
}

/// Reads a `scope` parameter; an empty one was not sent.
pub(crate) fn requested_scope(parameter: Option<&str>) -> Result<Option<Scope>, OAuthError> {
    match parameter {
        None | Some("") => Ok(None),
        Some(text) => Scope::parse(text).map(Some).map_err(|error| OAuthError::invalid_scope(error.to_string())),
    }
}

/// The same without `*`, which is then no registered scope.
pub(crate) fn allowed_scope(client: &Client, parameter: Option<&str>) -> Result<Scope, OAuthError> {
    match requested_scope(parameter)? {
        None => Ok(client.default_scope.clone()),
        Some(scope) if scope.within(&client.scope) => Ok(scope),
        Some(_) => Err(OAuthError::invalid_scope("scope names something that the client is not registered for")),
    }
}
