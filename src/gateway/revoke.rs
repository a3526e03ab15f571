//! Token revocation (RFC 7009).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::client_auth::client_authentication;
use crate::gateway::error::{Refused, keep_out_of_caches};
use crate::gateway::form::{Parameter, Posted};
use crate::gateway::workspace::Workspace;
use crate::pb::v1::RevokeTokenRequest;

/// `POST /oauth2/revoke`: 200 with an empty body, also for a token that nobody knows.
pub(super) async fn revoke(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    Posted { headers, form }: Posted,
) -> Result<Response, Refused> {
    let client_authentication = Some(client_authentication(&headers, &form)?);
    let request = RevokeTokenRequest { workspace, client_authentication, token: form.text(Parameter::Token) };
    gateway.services.token.revoke_token(Request::new(request)).await?;
    let mut response = Response::new(Body::empty());
    keep_out_of_caches(response.headers_mut());
    Ok(response)
}
