//! `jeton.v1.TokenService`.

use std::pin::pin;
use std::sync::Arc;

use http::Extensions;
use tonic::{Request, Response, Status};
use tracing::debug;

use crate::engine::Engine;
use crate::engine::client_auth::ClientCredential;
use crate::engine::policy::notice::PolicyNotice;
use crate::engine::token::{Issued, TokenGrant, TokenRequest};
use crate::grpc::facts::{GatewayFacts, address_of};
use crate::grpc::notice::announce;
use crate::grpc::observe::Observed;
use crate::grpc::parse::{credential, credential_workspace, optional, token};
use crate::pb::v1;
use crate::pb::v1::issue_token_request::Grant;
use crate::pb::v1::token_service_server::TokenService;
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::secret::Secret;

/// The service.
#[derive(Clone)]
pub struct TokenApi {
    engine: Arc<Engine>,
    authorization_code: Observed,
    refresh_token: Observed,
    client_credentials: Observed,
    password: Observed,
    no_grant: Observed,
    introspect: Observed,
    revoke: Observed,
}

impl TokenApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        let issue = |grant_type: GrantType| Observed::grant("IssueToken", grant_type.as_str());
        Self {
            engine,
            authorization_code: issue(GrantType::AuthorizationCode),
            refresh_token: issue(GrantType::RefreshToken),
            client_credentials: issue(GrantType::ClientCredentials),
            password: issue(GrantType::Password),
            no_grant: Observed::method("IssueToken"),
            introspect: Observed::method("IntrospectToken"),
            revoke: Observed::method("RevokeToken"),
        }
    }

    fn observed(&self, grant: Option<&Grant>) -> &Observed {
        match grant {
            Some(Grant::AuthorizationCode(_)) => &self.authorization_code,
            Some(Grant::RefreshToken(_)) => &self.refresh_token,
            Some(Grant::ClientCredentials(_)) => &self.client_credentials,
            Some(Grant::Password(_)) => &self.password,
            None => &self.no_grant,
        }
    }

    async fn issue(&self, extensions: &Extensions, request: v1::IssueTokenRequest) -> Result<Answer, OAuthError> {
        let workspace = credential_workspace(&request.workspace)?;
        let grant = parse_grant(request.grant)?;
        let credential = match (request.client_authentication, &grant) {
            // Whether a refresh token is enough is the rules' to say.
            (None, TokenGrant::RefreshToken { .. }) => None,
            (authentication, _) => Some(credential(authentication)?),
        };
        let grant_type = grant.grant_type();
        let facts = extensions.get::<GatewayFacts>();
        let deviations = facts.map(|facts| facts.deviations.policies()).unwrap_or_default();
        let call = TokenRequest { grant, deviations, address: address_of(extensions) };
        let issued = self.engine.issue_token(&workspace, credential.as_ref(), call).await;
        let Issued { tokens, notice } = issued.map_err(|error| self.engine.about(error, &workspace, credential.as_ref()))?;
        debug!(%workspace, client.id = credential.as_ref().map(ClientCredential::claimed_id), %grant_type, "token issued");
        let message = v1::IssueTokenResponse {
            access_token: tokens.access_token.expose_secret_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token.map(Secret::expose_secret_owned).unwrap_or_default(),
            scope: tokens.scope.as_str().to_owned(),
        };
        Ok((message, notice))
    }
}

/// The message, and what its metadata says.
type Answer = (v1::IssueTokenResponse, Option<Box<PolicyNotice>>);

fn parse_grant(grant: Option<Grant>) -> Result<TokenGrant, OAuthError> {
    match grant {
        Some(Grant::AuthorizationCode(sent)) => Ok(TokenGrant::AuthorizationCode {
            code: token("code", sent.code)?,
            redirect_uri: optional(sent.redirect_uri),
            code_verifier: optional(sent.code_verifier).map(Secret::new),
            scope: optional(sent.scope),
        }),
        Some(Grant::RefreshToken(sent)) => Ok(TokenGrant::RefreshToken {
            refresh_token: token("refresh_token", sent.refresh_token)?,
            scope: optional(sent.scope),
        }),
        Some(Grant::ClientCredentials(sent)) => Ok(TokenGrant::ClientCredentials { scope: optional(sent.scope) }),
        Some(Grant::Password(sent)) => Ok(TokenGrant::Password {
            username: sent.username,
            // Whether it is there is said to who may use it.
            password: Secret::new(sent.password),
            scope: optional(sent.scope),
        }),
        None => Err(OAuthError::new(
            ErrorCode::UnsupportedGrantType,
            "the grant must be authorization_code, refresh_token or client_credentials",
        )),
    }
}

#[tonic::async_trait]
impl TokenService for TokenApi {
    async fn issue_token(&self, request: Request<v1::IssueTokenRequest>) -> Result<Response<v1::IssueTokenResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let observed = self.observed(request.grant.as_ref());
        // Pinned here: each wrapper that took the call by value would copy its whole state.
        let call = pin!(self.issue(&extensions, request));
        let (message, notice) = observed.oauth(call).await?.into_inner();
        let mut response = Response::new(message);
        if let Some(notice) = notice {
            announce(&notice, response.metadata_mut());
        }
        Ok(response)
    }

    async fn introspect_token(
        &self,
        request: Request<v1::IntrospectTokenRequest>,
    ) -> Result<Response<v1::IntrospectTokenResponse>, Status> {
        let request = request.into_inner();
        let call = async {
            let workspace = credential_workspace(&request.workspace)?;
            let credential = credential(request.client_authentication)?;
            let token = token("token", request.token)?;
            let introspected = self.engine.introspect(&workspace, &credential, &token).await;
            let Some(active) = introspected.map_err(|error| self.engine.about(error, &workspace, Some(&credential)))? else {
                return Ok(v1::IntrospectTokenResponse::default());
            };
            let mut answer = v1::IntrospectTokenResponse {
                active: true,
                scope: active.scope,
                client_id: active.client_id,
                exp: active.exp,
                sub: active.sub,
                iss: active.iss,
                ..Default::default()
            };
            if let Some(access) = active.access {
                answer.token_type = "Bearer".to_owned();
                answer.aud = access.aud;
                answer.iat = access.iat;
                answer.jti = access.jti;
            }
            Ok(answer)
        };
        self.introspect.oauth(call).await
    }

    async fn revoke_token(&self, request: Request<v1::RevokeTokenRequest>) -> Result<Response<v1::RevokeTokenResponse>, Status> {
        let request = request.into_inner();
        let call = async {
            let workspace = credential_workspace(&request.workspace)?;
            let credential = credential(request.client_authentication)?;
            let token = token("token", request.token)?;
            let revoked = self.engine.revoke(&workspace, &credential, &token).await;
            revoked.map_err(|error| self.engine.about(error, &workspace, Some(&credential)))?;
            Ok(v1::RevokeTokenResponse {})
        };
        self.revoke.oauth(call).await
    }
}
