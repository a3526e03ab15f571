//! Authorization server metadata (RFC 8414).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::error::{Refused, json};
use crate::gateway::jwks::cacheable;
use crate::gateway::workspace::Workspace;
use crate::pb::v1::{GetServerMetadataRequest, GetServerMetadataResponse};

/// How long the document may be cached: it changes with a release or a setting.
const MAX_AGE_SECONDS: i64 = 300;

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn describe(State(gateway): State<Arc<Gateway>>, Workspace(workspace): Workspace) -> Result<Response, Refused> {
    let request = Request::new(GetServerMetadataRequest { workspace });
    let found = gateway.services.metadata.get_server_metadata(request).await?.into_inner();
    Ok(cacheable(json(StatusCode::OK, &Metadata::from(found)), MAX_AGE_SECONDS))
}

/// Makes the document from the message: the same names, and nothing that is empty (RFC 8414 section 3.2).
macro_rules! metadata {
    ($($field:ident: $type:ty, $absent:literal;)+) => {
        /// RFC 8414 section 2.
        #[derive(Serialize)]
        struct Metadata {
            $(#[serde(skip_serializing_if = $absent)] $field: $type,)+
        }

        impl From<GetServerMetadataResponse> for Metadata {
            fn from(found: GetServerMetadataResponse) -> Self {
                let GetServerMetadataResponse { $($field,)+ } = found;
                Self { $($field,)+ }
            }
        }
    };
}

metadata! {
    issuer: String, "String::is_empty";
    authorization_endpoint: String, "String::is_empty";
    token_endpoint: String, "String::is_empty";
    introspection_endpoint: String, "String::is_empty";
    revocation_endpoint: String, "String::is_empty";
    jwks_uri: String, "String::is_empty";
    response_types_supported: Vec<String>, "Vec::is_empty";
    response_modes_supported: Vec<String>, "Vec::is_empty";
    grant_types_supported: Vec<String>, "Vec::is_empty";
    token_endpoint_auth_methods_supported: Vec<String>, "Vec::is_empty";
    introspection_endpoint_auth_methods_supported: Vec<String>, "Vec::is_empty";
    revocation_endpoint_auth_methods_supported: Vec<String>, "Vec::is_empty";
    code_challenge_methods_supported: Vec<String>, "Vec::is_empty";
    authorization_response_iss_parameter_supported: bool, "std::ops::Not::not";
}
