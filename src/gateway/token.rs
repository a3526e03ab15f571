//! The token endpoint (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::client_auth::{client_authentication, optional_client_authentication};
use crate::gateway::error::{Refused, json};
use crate::gateway::form::{Form, Parameter, Posted};
use crate::gateway::peer::Address;
use crate::gateway::token_post::TokenPost;
use crate::gateway::workspace::Workspace;
use crate::grpc::facts::{Deviations, GatewayFacts};
use crate::pb::v1::issue_token_request::Grant;
use crate::pb::v1::{
    AuthorizationCodeGrant, ClientCredentialsGrant, IssueTokenRequest, IssueTokenResponse, PasswordGrant, RefreshTokenGrant,
};
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::secret::Secret;

/// `POST /oauth2/token`.
pub(super) async fn issue(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    Address(address): Address,
    request: TokenPost,
) -> Result<Response, Refused> {
    answer(&gateway, workspace, request, GatewayFacts { address, ..GatewayFacts::default() }).await
}

/// `POST` to an alias of that path, which some clients have in their code.
pub(super) async fn issue_at_alias(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    Address(address): Address,
    request: TokenPost,
) -> Result<Response, Refused> {
    let deviations = Deviations { path_alias: true, ..Deviations::default() };
    answer(&gateway, workspace, request, GatewayFacts { address, deviations, ..GatewayFacts::default() }).await
}

async fn answer(
    gateway: &Gateway,
    workspace: String,
    TokenPost { posted, query_code }: TokenPost,
    mut facts: GatewayFacts,
) -> Result<Response, Refused> {
    let Posted { headers, form } = posted;
    facts.deviations.grant_type_code = form.text(Parameter::GrantType) == ALIAS_OF_CODE;
    facts.deviations.code_in_query = query_code.is_some();
    let grant = grant(&form, query_code, facts.deviations)?;
    let client_authentication = match &grant {
        Grant::RefreshToken(_) => optional_client_authentication(&headers, &form)?,
        _ => Some(client_authentication(&headers, &form)?),
    };
    let mut request = Request::new(IssueTokenRequest { workspace, client_authentication, grant: Some(grant) });
    request.extensions_mut().insert(facts);
    let (metadata, issued, _) = gateway.services.token.issue_token(request).await?.into_parts();
    let mut response = json(StatusCode::OK, &TokenAnswer::from(issued));
    if !metadata.is_empty() {
        announce(&metadata.into_headers(), response.headers_mut());
    }
    Ok(response)
}

/// Passes on what an answer says of the policies that it rests on.
fn announce(metadata: &HeaderMap, headers: &mut HeaderMap) {
    // RFC 9745 section 2, RFC 8594 section 3: metadata has the same names.
    for name in ["deprecation", "sunset"] {
        if let Some(value) = metadata.get(name) {
            headers.insert(name, value.clone());
        }
    }
}

/// What some clients send for `authorization_code`.
const ALIAS_OF_CODE: &str = "code";

fn grant(form: &Form, query_code: Option<Secret>, deviations: Deviations) -> Result<Grant, Refused> {
    if !form.has(Parameter::GrantType) {
        return Err(Refused::invalid_request("the parameter grant_type is missing"));
    }
    let named = GrantType::from_name(&form.text(Parameter::GrantType));
    let Some(grant_type) = named.or(deviations.grant_type_code.then_some(GrantType::AuthorizationCode)) else {
        let supported = "grant_type must be authorization_code, refresh_token or client_credentials";
        return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, supported).into());
    };
    if query_code.is_some() && grant_type != GrantType::AuthorizationCode {
        return Err(Refused::invalid_request("the parameter code must be sent in the body of the request, not in its URL"));
    }
    Ok(match grant_type {
        GrantType::AuthorizationCode => Grant::AuthorizationCode(AuthorizationCodeGrant {
            code: query_code.map_or_else(|| form.text(Parameter::Code), Secret::expose_secret_owned),
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
