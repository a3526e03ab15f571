//! `jeton.v1.MetadataService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::grpc::observe::Observed;
use crate::grpc::parse::workspace;
use crate::keys::jwk;
use crate::keys::ring::RingKey;
use crate::pb::v1;
use crate::pb::v1::metadata_service_server::MetadataService;
use crate::types::client::{AuthMethod, GrantType};

/// The service.
#[derive(Clone)]
pub struct MetadataApi {
    engine: Arc<Engine>,
    metadata: Observed,
    jwks: Observed,
}

impl MetadataApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, metadata: Observed::method("GetServerMetadata"), jwks: Observed::method("GetJwks") }
    }
}

#[tonic::async_trait]
impl MetadataService for MetadataApi {
    async fn get_server_metadata(
        &self,
        request: Request<v1::GetServerMetadataRequest>,
    ) -> Result<Response<v1::GetServerMetadataResponse>, Status> {
        let call = async {
            let name = workspace(&request.get_ref().workspace)?;
            Ok(metadata_of(&self.engine.described_workspace(&name)?.issuer))
        };
        self.metadata.run(call).await
    }

    async fn get_jwks(&self, request: Request<v1::GetJwksRequest>) -> Result<Response<v1::GetJwksResponse>, Status> {
        let call = async {
            let name = workspace(&request.get_ref().workspace)?;
            let (keys, max_age_seconds) = self.engine.published_keys(&name)?;
            Ok(v1::GetJwksResponse { keys: keys.iter().map(jwk_message).collect(), max_age_seconds })
        };
        self.jwks.run(call).await
    }
}

fn metadata_of(issuer: &str) -> v1::GetServerMetadataResponse {
    let at = |path: &str| format!("{issuer}{path}");
    let names = |methods: &[AuthMethod]| methods.iter().map(ToString::to_string).collect::<Vec<_>>();
    let with_secret = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];
    v1::GetServerMetadataResponse {
        issuer: issuer.to_owned(),
        authorization_endpoint: at("/oauth2/authorize"),
        token_endpoint: at("/oauth2/token"),
        introspection_endpoint: at("/oauth2/introspect"),
        revocation_endpoint: at("/oauth2/revoke"),
        jwks_uri: at("/oauth2/jwks"),
        response_types_supported: vec!["code".to_owned()],
        response_modes_supported: vec!["query".to_owned()],
        grant_types_supported: GrantType::OFFERED.iter().map(ToString::to_string).collect(),
        token_endpoint_auth_methods_supported: names(AuthMethod::ALL),
        introspection_endpoint_auth_methods_supported: names(&with_secret),
        revocation_endpoint_auth_methods_supported: names(AuthMethod::ALL),
        code_challenge_methods_supported: vec!["S256".to_owned()],
        authorization_response_iss_parameter_supported: true,
    }
}

fn jwk_message(key: &RingKey) -> v1::Jwk {
    v1::Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: jwk::x(&key.key.public_key()),
        kid: key.key.kid().to_owned(),
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
    }
}
