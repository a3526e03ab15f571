//! Token introspection (RFC 7662).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::client_auth::client_authentication;
use crate::gateway::error::{Refused, json};
use crate::gateway::form::{Parameter, Posted};
use crate::gateway::workspace::Workspace;
use crate::pb::v1::{IntrospectTokenRequest, IntrospectTokenResponse};

/// `POST /oauth2/introspect`.  `token_type_hint` is accepted and not needed: tokens tell their kind.
pub(super) async fn introspect(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    Posted { headers, form }: Posted,
) -> Result<Response, Refused> {
    let client_authentication = Some(client_authentication(&headers, &form)?);
    let request = IntrospectTokenRequest { workspace, client_authentication, token: form.text(Parameter::Token) };
    let found = gateway.services.token.introspect_token(Request::new(request)).await?.into_inner();
    Ok(json(StatusCode::OK, &Introspection::from(found)))
}

/// RFC 7662 section 2.2.
#[derive(Default, Serialize)]
struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    token_type: String,
    #[serde(skip_serializing_if = "zero")]
    exp: i64,
    #[serde(skip_serializing_if = "zero")]
    iat: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    sub: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    aud: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    iss: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    jti: String,
}

impl From<IntrospectTokenResponse> for Introspection {
    fn from(found: IntrospectTokenResponse) -> Self {
        let IntrospectTokenResponse { active, scope, client_id, token_type, exp, iat, sub, aud, iss, jti } = found;
        if !active {
            // Whatever else is in the message must not leave: every inactive token looks the same.
            return Self::default();
        }
        Self { active, scope, client_id, token_type, exp, iat, sub, aud, iss, jti }
    }
}

fn zero(seconds: &i64) -> bool {
    *seconds == 0
}
