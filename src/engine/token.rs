//! The token endpoint (RFC 6749 section 3.2) as a list of steps: authenticate the client, ask its
//! grant type's file for a decision, mint.

use std::net::IpAddr;

use crate::engine::Engine;
use crate::engine::client_auth::{AuthenticatedClient, ClientCredential};
use crate::engine::grants::password::Password;
use crate::engine::mint::Tokens;
use crate::engine::policy::notice::PolicyNotice;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::ids::WorkspaceName;
use crate::types::policy::{Policy, PolicySet};
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

/// A token request.
#[derive(Debug)]
pub struct TokenRequest {
    /// What it presents.
    pub grant: TokenGrant,
    /// The policies that its form needs, whatever it presents.
    pub deviations: PolicySet,
    /// Who sent it.
    pub address: Option<IpAddr>,
}

/// The answer to a token request.
#[derive(Debug)]
pub struct Issued {
    /// The tokens.
    pub tokens: Tokens,
    /// When they rest on policies.  Boxed: hardly any answer has one.
    pub notice: Option<Box<PolicyNotice>>,
}

impl Engine {
    /// Issues tokens.  What a grant uses up is durably used up when this returns.
    ///
    /// # Errors
    /// Those of RFC 6749 section 5.2; nothing is used up unless the error says so.
    pub async fn issue_token(
        &self,
        workspace: &WorkspaceName,
        credential: Option<&ClientCredential>,
        request: TokenRequest,
    ) -> Result<Issued, OAuthError> {
        let TokenRequest { grant, deviations, address } = request;
        let client = match (credential, &grant) {
            (Some(credential), _) => self.authenticate(workspace, credential).await?,
            (None, TokenGrant::RefreshToken { refresh_token, .. }) => {
                Box::pin(self.authenticate_by_refresh_token(workspace, refresh_token)).await?
            }
            (None, _) => return Err(OAuthError::invalid_client()),
        };
        let mut used = self.use_deviations(&client, deviations)?;
        // Boxed, where a flush to disk follows: their states would make that of every call large.
        let decided = match grant {
            TokenGrant::AuthorizationCode { code, redirect_uri, code_verifier, scope } => {
                require_grant_type(client.client(), GrantType::AuthorizationCode)?;
                Box::pin(self.authorization_code(&client, code, redirect_uri, code_verifier, scope)).await?
            }
            TokenGrant::RefreshToken { refresh_token, scope } => {
                let policy = Policy::RefreshTokenOnClientCredentials;
                if self.policy(client.workspace(), client.client(), policy).is_none() {
                    require_grant_type(client.client(), GrantType::RefreshToken)?;
                }
                Box::pin(self.refresh_token(&client, refresh_token, scope, &mut used)).await?
            }
            TokenGrant::ClientCredentials { scope } => {
                require_grant_type(client.client(), GrantType::ClientCredentials)?;
                match self.policy(client.workspace(), client.client(), Policy::RefreshTokenOnClientCredentials) {
                    None => self.client_credentials(&client, scope, &mut used)?,
                    Some(_) => Box::pin(self.client_credentials_with_refresh(&client, scope, &mut used)).await?,
                }
            }
            TokenGrant::Password { username, password, scope } => {
                let presented = Password { username, password, address };
                Box::pin(self.password(&client, presented, scope, &mut used)).await?
            }
        };
        let notice = PolicyNotice::of(client.client(), used).map(Box::new);
        Ok(Issued { tokens: self.mint(&client, decided)?, notice })
    }

    /// Judges how a request was sent, now that it is known for whom.
    fn use_deviations(&self, client: &AuthenticatedClient, deviations: PolicySet) -> Result<PolicySet, OAuthError> {
        for policy in deviations.iter() {
            let code = match policy {
                Policy::GrantTypeCode => ErrorCode::UnsupportedGrantType,
                _ => ErrorCode::InvalidRequest,
            };
            self.use_policy(client.workspace(), client.client(), policy, code)?;
        }
        Ok(deviations)
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
        match requested_scope(parameter)? {
            None => Ok(client.default_scope.clone()),
            Some(scope) if scope.within(&client.scope) => Ok(scope),
            Some(_) => Err(OAuthError::invalid_scope("scope names something that the client is not registered for")),
        }
    }

    /// As [`Engine::allowed_scope`], for a token request that tells of the policies it used.
    pub(crate) fn first_scope(
        &self,
        client: &AuthenticatedClient,
        parameter: Option<&str>,
        used: &mut PolicySet,
    ) -> Result<Scope, OAuthError> {
        let scope = self.allowed_scope(client.workspace(), client.client(), parameter)?;
        if parameter == Some("*") {
            used.insert(Policy::WildcardScope);
        }
        Ok(scope)
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
