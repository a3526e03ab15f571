//! The token endpoint (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::client_auth::client_authentication;
use crate::gateway::error::{Refused, json};
use crate::gateway::form::{Form, Parameter, Posted};
use crate::gateway::peer::Address;
use crate::gateway::workspace::Workspace;
use crate::grpc::facts::GatewayFacts;
use crate::pb::v1::issue_token_request::Grant;
use crate::pb::v1::{
    AuthorizationCodeGrant, ClientCredentialsGrant, IssueTokenRequest, IssueTokenResponse, PasswordGrant, RefreshTokenGrant,
};
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};

/// `POST /oauth2/token`.
pub(super) async fn issue(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    Address(address): Address,
    Posted { headers, form }: Posted,
) -> Result<Response, Refused> {
    let grant = grant(&form)?;
    let client_authentication = client_authentication(&headers, &form)?;
    let request = IssueTokenRequest { workspace, client_authentication: Some(client_authentication), grant: Some(grant) };
    let mut request = Request::new(request);
    request.extensions_mut().insert(GatewayFacts { address, ..GatewayFacts::default() });
    let issued = gateway.services.token.issue_token(request).await?.into_inner();
    Ok(json(StatusCode::OK, &TokenAnswer::from(issued)))
}

fn grant(form: &Form) -> Result<Grant, Refused> {
    if !form.has(Parameter::GrantType) {
        return Err(Refused::invalid_request("the parameter grant_type is missing"));
    }
    let Some(grant_type) = GrantType::from_name(&form.text(Parameter::GrantType)) else {
        let supported = "grant_type must be authorization_code, refresh_token or client_credentials";
        return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, supported).into());
    };
    Ok(match grant_type {
        GrantType::AuthorizationCode => Grant::AuthorizationCode(AuthorizationCodeGrant {
            code: form.text(Parameter::Code),
            redirect_uri: form.text(Parameter::RedirectUri),
            code_verifier: form.text(Parameter::CodeVerifier),
            scope: form.text(Parameter::Scope),
        }),
        GrantType::RefreshToken => Grant::RefreshToken(RefreshTokenGrant {
            refresh_token: form.text(Parameter::RefreshToken),
            scope: form.text(Parameter::Scope),
        }),
        GrantType::Password => Grant::Password(PasswordGrant {
            username: form.text(Parameter::Username),
            password: form.text(Parameter::Password),
            scope: form.text(Parameter::Scope),
        }),
        GrantType::ClientCredentials => Grant::ClientCredentials(ClientCredentialsGrant { scope: form.text(Parameter::Scope) }),
    })
}

/// RFC 6749 section 5.1.
#[derive(Serialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    expires_in: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    refresh_token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl From<IssueTokenResponse> for TokenAnswer {
    fn from(issued: IssueTokenResponse) -> Self {
        let IssueTokenResponse { access_token, token_type, expires_in, refresh_token, scope } = issued;
        Self { access_token, token_type, expires_in, refresh_token, scope }
    }
}
