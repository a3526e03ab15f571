//! The key set (RFC 7517 section 5).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::error::{Refused, json};
use crate::gateway::workspace::Workspace;
use crate::pb::v1::{GetJwksRequest, Jwk};

/// `GET /oauth2/jwks`.
pub(super) async fn keys(State(gateway): State<Arc<Gateway>>, Workspace(workspace): Workspace) -> Result<Response, Refused> {
    let request = Request::new(GetJwksRequest { workspace });
    let found = gateway.services.metadata.get_jwks(request).await?.into_inner();
    let keys = found.keys.into_iter().map(KeyAnswer::from).collect();
    let mut response = cacheable(json(StatusCode::OK, &KeySet { keys }), found.max_age_seconds);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    Ok(response)
}

/// Lets every cache keep a public answer for so many seconds.
pub(super) fn cacheable(mut response: Response, seconds: i64) -> Response {
    let headers = response.headers_mut();
    headers.remove(PRAGMA);
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={}", seconds.max(0))) {
        headers.insert(CACHE_CONTROL, value);
    }
    response
}

#[derive(Serialize)]
struct KeySet {
    keys: Vec<KeyAnswer>,
}

/// RFC 8037 section 2.
#[derive(Serialize)]
struct KeyAnswer {
    kty: String,
    crv: String,
    x: String,
    kid: String,
    alg: String,
    #[serde(rename = "use")]
    public_use: String,
}

impl From<Jwk> for KeyAnswer {
    fn from(key: Jwk) -> Self {
        let Jwk { kty, crv, x, kid, alg, r#use } = key;
        Self { kty, crv, x, kid, alg, public_use: r#use }
    }
}
