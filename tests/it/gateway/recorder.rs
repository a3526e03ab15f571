//! Services that record what they were sent and answer what a test tells them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use jeton::gateway::{Options, Services, router};
use jeton::grpc::facts::{GatewayFacts, address_of};
use jeton::grpc::status::refuse;
use jeton::pb::v1::authorization_service_server::AuthorizationService;
use jeton::pb::v1::metadata_service_server::MetadataService;
use jeton::pb::v1::token_service_server::TokenService;
use jeton::pb::v1::*;
use jeton::types::entropy::SeededEntropy;
use jeton::types::error::OAuthError;
use tonic::{Response, Status, async_trait};
use tower::ServiceExt;

use super::pages::fake::Pages;

/// What the services were sent, and what they answer.
#[derive(Default)]
pub struct Recorder {
    pub issued: Mutex<Vec<IssueTokenRequest>>,
    /// Who sent what was issued, as the gateway says.
    pub addresses: Mutex<Vec<Option<IpAddr>>>,
    pub introspected: Mutex<Vec<IntrospectTokenRequest>>,
    pub revoked: Mutex<Vec<RevokeTokenRequest>>,
    pub validated: Mutex<Vec<(ValidateAuthorizationRequest, Option<String>)>>,
    pub continued: Mutex<Vec<(ContinueAuthorizationRequest, Option<String>)>>,
    pub described: Mutex<Vec<String>>,
    pub introspection: Mutex<IntrospectTokenResponse>,
    pub refresh_token: Mutex<String>,
    pub login_uri: Mutex<String>,
    pub refusal: Mutex<Option<Refusal>>,
    pub pages: Arc<Pages>,
}

/// How the services refuse.
pub enum Refusal {
    OAuth(OAuthError),
    Status(Status),
    Panic,
    Hang,
}

impl Recorder {
    async fn answer<T>(&self, message: T) -> Result<Response<T>, Status> {
        match self.refusal.lock().unwrap().take() {
            None => return Ok(Response::new(message)),
            Some(Refusal::OAuth(error)) => return Err(refuse(error)),
            Some(Refusal::Status(status)) => return Err(status),
            Some(Refusal::Panic) => panic!("canary-panic"),
            Some(Refusal::Hang) => {}
        }
        std::future::pending().await
    }

    pub fn refuse(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap() = Some(refusal);
    }

    pub fn gateway(self: &Arc<Self>) -> Router {
        self.gateway_at("http://127.0.0.1:8080")
    }

    pub fn gateway_at(self: &Arc<Self>, issuer: &str) -> Router {
        self.gateway_with(issuer, &[])
    }

    /// Behind proxies that are trusted.
    pub fn gateway_behind(self: &Arc<Self>, trusted: &[&str]) -> Router {
        self.gateway_with("http://127.0.0.1:8080", trusted)
    }

    fn gateway_with(self: &Arc<Self>, issuer: &str, trusted: &[&str]) -> Router {
        let services = Services {
            token: self.clone(),
            authorization: self.clone(),
            metadata: self.clone(),
            interaction: self.pages.clone(),
            application: self.pages.clone(),
        };
        let mut options = Options::new(Arc::new(SeededEntropy::new(1)), issuer.to_owned());
        options.trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
        options.body_timeout = Duration::from_millis(100);
        options.request_timeout = Duration::from_millis(300);
        router(services, options)
    }
}

#[async_trait]
impl TokenService for Recorder {
    async fn issue_token(&self, request: tonic::Request<IssueTokenRequest>) -> Result<Response<IssueTokenResponse>, Status> {
        self.addresses.lock().unwrap().push(address_of(request.extensions()));
        self.issued.lock().unwrap().push(request.into_inner());
        let refresh_token = self.refresh_token.lock().unwrap().clone();
        self.answer(IssueTokenResponse {
            access_token: "the-access-token".into(),
            token_type: "Bearer".into(),
            expires_in: 900,
            refresh_token,
            scope: "read".into(),
        })
        .await
    }

    async fn introspect_token(
        &self,
        request: tonic::Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        self.introspected.lock().unwrap().push(request.into_inner());
        let answer = self.introspection.lock().unwrap().clone();
        self.answer(answer).await
    }

    async fn revoke_token(&self, request: tonic::Request<RevokeTokenRequest>) -> Result<Response<RevokeTokenResponse>, Status> {
        self.revoked.lock().unwrap().push(request.into_inner());
        self.answer(RevokeTokenResponse {}).await
    }
}

fn browser<T>(request: &tonic::Request<T>) -> Option<String> {
    let facts = request.extensions().get::<GatewayFacts>().expect("the gateway sends its facts");
    facts.browser.as_ref().map(|browser| browser.expose_secret().to_owned())
}

#[async_trait]
impl AuthorizationService for Recorder {
    async fn validate_authorization(
        &self,
        request: tonic::Request<ValidateAuthorizationRequest>,
    ) -> Result<Response<ValidateAuthorizationResponse>, Status> {
        let browser = browser(&request);
        self.validated.lock().unwrap().push((request.into_inner(), browser));
        let login_uri = self.login_uri.lock().unwrap().clone();
        self.answer(ValidateAuthorizationResponse { handle: "h".into(), expires_in: 600, details: None, login_uri }).await
    }

    async fn get_authorization(
        &self,
        _: tonic::Request<GetAuthorizationRequest>,
    ) -> Result<Response<GetAuthorizationResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn decide_authorization(
        &self,
        _: tonic::Request<DecideAuthorizationRequest>,
    ) -> Result<Response<DecideAuthorizationResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn continue_authorization(
        &self,
        request: tonic::Request<ContinueAuthorizationRequest>,
    ) -> Result<Response<ContinueAuthorizationResponse>, Status> {
        let browser = browser(&request);
        self.continued.lock().unwrap().push((request.into_inner(), browser));
        self.answer(ContinueAuthorizationResponse { redirect_uri: "https://app.example/cb?code=c".into() }).await
    }

    async fn issue_code(&self, _: tonic::Request<IssueCodeRequest>) -> Result<Response<IssueCodeResponse>, Status> {
        panic!("the gateway does not call this")
    }
}

#[async_trait]
impl MetadataService for Recorder {
    async fn get_server_metadata(
        &self,
        request: tonic::Request<GetServerMetadataRequest>,
    ) -> Result<Response<GetServerMetadataResponse>, Status> {
        self.described.lock().unwrap().push(request.into_inner().workspace);
        self.answer(GetServerMetadataResponse {
            issuer: "https://id.example".into(),
            token_endpoint: "https://id.example/oauth2/token".into(),
            response_types_supported: vec!["code".into()],
            authorization_response_iss_parameter_supported: true,
            ..Default::default()
        })
        .await
    }

    async fn get_jwks(&self, request: tonic::Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        self.described.lock().unwrap().push(request.into_inner().workspace);
        let key = Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: "x".into(),
            kid: "k".into(),
            alg: "EdDSA".into(),
            r#use: "sig".into(),
        };
        self.answer(GetJwksResponse { keys: vec![key], max_age_seconds: 1200 }).await
    }
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn error(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("a refusal is JSON");
        format!("{} {}", self.status.as_u16(), body["error"].as_str().unwrap())
    }
}

pub async fn send(gateway: Router, request: Request<Body>) -> Answer {
    let response = gateway.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub async fn get(gateway: Router, path: &str) -> Answer {
    send(gateway, Request::get(path).body(Body::empty()).unwrap()).await
}

/// Posts a form as a client whose Basic credentials are `id` and `secret`.
pub async fn post(gateway: Router, path: &str, form: &str) -> Answer {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, "Basic aWQ6c2VjcmV0")
        .body(Body::from(form.to_owned()));
    send(gateway, request.unwrap()).await
}

/// Posts a form without an Authorization header.
pub async fn post_plainly(gateway: Router, path: &str, form: &str) -> Answer {
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(form.to_owned()));
    send(gateway, request.unwrap()).await
}
