//! The servers that jeton is compared with: stock tonic and stock axum, and a signature for each call.
//!
//! They look no client up, check no secret, read no clock and count nothing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Json};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use http::StatusCode;
use http::header::{CACHE_CONTROL, PRAGMA};
use jeton::pb::v1::token_service_server::{TokenService, TokenServiceServer};
use jeton::pb::v1::*;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, async_trait};

use crate::server::SCOPE;

/// Makes this benchmark a bare server: then follow its kind, its workers and a token.
pub const ARGUMENT: &str = "bare-server";

/// Serves until killed.
pub fn serve(arguments: &[String]) {
    let [_, kind, workers, token] = arguments else { panic!("a bare server takes three arguments") };
    let signer = Arc::new(BareSigner::like(token));
    // The choice that jeton makes: a pool of one is dearer than no pool.
    let runtime = match workers.parse().unwrap() {
        1 => Builder::new_current_thread().enable_all().build(),
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build(),
    };
    runtime.unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        match kind.as_str() {
            "grpc" => tonic::transport::Server::builder()
                .add_service(TokenServiceServer::new(BareGrpc(signer)))
                .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
                .await
                .unwrap(),
            "rest" => {
                let router = Router::new().route("/oauth2/token", post(token_endpoint)).with_state(signer);
                axum::serve(listener, router).await.unwrap();
            }
            other => panic!("there is no bare server {other}"),
        }
    });
}

/// Signs the same claims each time.
struct BareSigner {
    key: SigningKey,
    header: String,
    claims: Vec<u8>,
}

impl BareSigner {
    fn like(token: &str) -> Self {
        let mut parts = token.split('.');
        let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
        Self {
            key: SigningKey::from_bytes(&[7; 32]),
            header: format!("{header}."),
            claims: URL_SAFE_NO_PAD.decode(claims).unwrap(),
        }
    }

    fn token(&self) -> String {
        let mut token = String::with_capacity(1024);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(&self.claims, &mut token);
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        token
    }
}

struct BareGrpc(Arc<BareSigner>);

#[async_trait]
impl TokenService for BareGrpc {
    async fn issue_token(&self, _: Request<IssueTokenRequest>) -> Result<Response<IssueTokenResponse>, Status> {
        Ok(Response::new(IssueTokenResponse {
            access_token: self.0.token(),
            token_type: "Bearer".to_owned(),
            expires_in: 900,
            refresh_token: String::new(),
            scope: SCOPE.to_owned(),
        }))
    }

    async fn introspect_token(&self, _: Request<IntrospectTokenRequest>) -> Result<Response<IntrospectTokenResponse>, Status> {
        Err(Status::unimplemented("a bare server only issues"))
    }

    async fn revoke_token(&self, _: Request<RevokeTokenRequest>) -> Result<Response<RevokeTokenResponse>, Status> {
        Err(Status::unimplemented("a bare server only issues"))
    }
}

#[derive(Serialize)]
struct Answer {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: &'static str,
}

async fn token_endpoint(State(signer): State<Arc<BareSigner>>, body: Bytes) -> impl IntoResponse {
    let form: HashMap<_, _> = form_urlencoded::parse(&body).collect();
    if form.get("grant_type").is_none_or(|grant_type| grant_type != "client_credentials") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let answer = Answer { access_token: signer.token(), token_type: "Bearer", expires_in: 900, scope: SCOPE };
    ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(answer)).into_response()
}
