//! A replica that cannot read what the others changed stops being ready, and issues nothing by what it
//! remembers, before anything is used up.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jeton::engine::Engine;
use jeton::engine::authorize::decide::Approval;
use jeton::engine::authorize::validate::RequestParameters;
use jeton::engine::client_auth::ClientCredential;
use jeton::gateway::{self, Options, Services};
use jeton::grpc::pages::application::ApplicationApi;
use jeton::grpc::pages::interaction::InteractionApi;
use jeton::server::background::{follow_feed, report, report_health};
use jeton::server::grpc_routes::PublicApis;
use jeton::server::ops::{self, Readiness};
use jeton::store::Health;
use jeton::types::entropy::OsEntropy;
use jeton::types::ids::Subject;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tower::ServiceExt;

use super::{Replica, Replicas, STALENESS, default_workspace};
use crate::support::clients::{CHALLENGE, REDIRECT_URI, VERIFIER};
use crate::support::server::ISSUER;
use crate::support::surface::form;

const BOUND: Duration = Duration::from_secs(1);

/// What came back.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    async fn of(router: Router, request: Request<Body>) -> Self {
        let response = router.oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Self { status, headers, body: serde_json::from_slice(&body).unwrap() }
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap()
    }

    /// RFC 6749 section 5.2 has no such error for the token endpoint; section 4.1.2.1 names it.
    fn temporarily_unavailable(&self) {
        assert_eq!((self.status, self.text("error")), (503, "temporarily_unavailable"));
        assert_eq!(self.headers["retry-after"], "1");
    }
}

/// A replica with all that runs beside its requests and its REST endpoints.
struct Served<'a> {
    replica: &'a Replica,
    router: Router,
    client: ClientCredential,
    _beside: JoinSet<()>,
}

impl<'a> Served<'a> {
    async fn of(replica: &'a Replica) -> Self {
        let engine = &replica.engine;
        let apis = PublicApis::new(engine);
        let services = Services {
            token: apis.token,
            authorization: apis.authorization,
            metadata: apis.metadata,
            interaction: Arc::new(InteractionApi::new(Arc::clone(engine))),
            application: Arc::new(ApplicationApi::new(Arc::clone(engine))),
        };
        let options = Options::new(Arc::new(OsEntropy), ISSUER.to_owned());
        let mut beside = JoinSet::new();
        beside.spawn(follow_feed(Arc::clone(engine)));
        let client = replica.register().await;
        Self { replica, router: gateway::router(services, options), client, _beside: beside }
    }

    async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let ClientCredential::Secret { client_id, secret } = &self.client else { panic!("it has a secret") };
        let known = [("client_id", client_id.as_str()), ("client_secret", secret.expose_secret())];
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        Reply::of(self.router.clone(), request.body(form(&[pairs, &known].concat()).into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Reply {
        Reply::of(self.router.clone(), Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn ready(&self) -> Reply {
        let engine = Arc::clone(&self.replica.engine);
        let ready = move || Readiness::of(engine.health());
        let router = ops::router(Arc::new(String::new), Arc::new(ready));
        Reply::of(router, Request::get("/readyz").body(Body::empty()).unwrap()).await
    }

    /// A code that the client was given for a person.
    async fn code(&self) -> String {
        let engine: &Engine = &self.replica.engine;
        let parameters = RequestParameters {
            response_type: "code".to_owned(),
            client_id: self.client.claimed_id().to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            scope: "read".to_owned(),
            code_challenge: CHALLENGE.to_owned(),
            code_challenge_method: "S256".to_owned(),
            ..RequestParameters::default()
        };
        let approval = Approval { subject: Subject::parse("alice").unwrap(), scope: None, auth_time: None };
        let issued = engine.issue_code(&default_workspace(), &parameters, approval).await.unwrap();
        issued.code.expose_secret().to_owned()
    }

    async fn redeem(&self, code: &str) -> Reply {
        let pairs =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
        self.post("/oauth2/token", &pairs).await
    }

    async fn refresh(&self, token: &str) -> Reply {
        self.post("/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Waits for a change of health that time brings about, at most as long as no test should last.
    async fn until(&self, awaited: impl Fn(&Health) -> bool) -> Health {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        let look = async {
            loop {
                looks.tick().await;
                let health = self.replica.engine.health();
                if awaited(&health) {
                    return health;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.unwrap()
    }

    async fn until_stale(&self) -> String {
        self.replica.store.cut_feed(true);
        match self.until(|health| *health != Health::Serving).await {
            Health::Unreachable(why) => why,
            other => panic!("{other:?}"),
        }
    }

    async fn until_fresh(&self) {
        self.replica.store.cut_feed(false);
        self.until(|health| *health == Health::Serving).await;
    }
}

#[tokio::test]
async fn a_replica_that_cannot_follow_is_not_ready_and_says_why() {
    let replicas = Replicas::with(BOUND).await;
    let b = Served::of(&replicas.b).await;
    assert_eq!(b.ready().await.status, 200);
    let why = b.until_stale().await;
    assert!(why.starts_with("what other replicas changed was last read 1."), "{why}");
    assert!(why.ends_with(" s ago, and 1 s are allowed: the store cannot make changes durable: the feed is cut"), "{why}");
    let ready = b.ready().await;
    assert_eq!((ready.status, ready.text("status")), (503, "not ready"));
    assert!(ready.text("reason").contains("the feed is cut"));
    b.until_fresh().await;
    assert_eq!(b.ready().await.status, 200);
}

/// Nothing is issued or judged by what may be out of date; verifiers go on.
#[tokio::test]
async fn a_replica_that_cannot_follow_answers_from_memory_only_what_is_public() {
    let replicas = Replicas::with(BOUND).await;
    let b = Served::of(&replicas.b).await;
    let own = [("grant_type", "client_credentials")];
    let token = b.post("/oauth2/token", &own).await.text("access_token").to_owned();
    b.until_stale().await;
    b.post("/oauth2/token", &own).await.temporarily_unavailable();
    b.post("/oauth2/introspect", &[("token", &token)]).await.temporarily_unavailable();
    b.post("/oauth2/revoke", &[("token", &token)]).await.temporarily_unavailable();
    b.post("/oauth2/token", &[("grant_type", "password"), ("username", "alice"), ("password", "p")])
        .await
        .temporarily_unavailable();
    let keys = b.get("/oauth2/jwks").await;
    assert_eq!((keys.status, keys.body["keys"].as_array().unwrap().len()), (200, 1));
    let metadata = b.get("/.well-known/oauth-authorization-server").await;
    assert_eq!((metadata.status, metadata.text("issuer")), (200, ISSUER));

    b.until_fresh().await;
    assert_eq!(b.post("/oauth2/token", &own).await.status, 200);
    assert_eq!(b.post("/oauth2/introspect", &[("token", &token)]).await.body["active"], true);
}

/// What was presented meanwhile is as good as before, and so it is on the other replica.
#[tokio::test]
async fn what_is_presented_meanwhile_is_not_used_up() {
    let replicas = Replicas::with(BOUND).await;
    let b = Served::of(&replicas.b).await;
    let code = b.code().await;
    let refresh_token = b.redeem(&b.code().await).await.text("refresh_token").to_owned();
    b.until_stale().await;
    b.redeem(&code).await.temporarily_unavailable();
    b.refresh(&refresh_token).await.temporarily_unavailable();
    let parameters = RequestParameters { client_id: b.client.claimed_id().to_owned(), ..RequestParameters::default() };
    let refused = b.replica.engine.validate_authorization(&default_workspace(), &parameters, None).await.unwrap_err();
    assert!(format!("{refused:?}").contains("TemporarilyUnavailable"), "{refused:?}");

    b.until_fresh().await;
    assert_eq!(b.redeem(&code).await.status, 200);
    let refreshed = b.refresh(&refresh_token).await;
    assert_eq!(refreshed.status, 200);
    assert_ne!(refreshed.text("refresh_token"), refresh_token, "it was its first use");
}

/// What was changed while a replica could not follow counts from its first answer on.
#[tokio::test]
async fn what_changed_meanwhile_counts_before_anything_is_answered() {
    let replicas = Replicas::with(BOUND).await;
    let b = Served::of(&replicas.b).await;
    let own = [("grant_type", "client_credentials")];
    assert_eq!(b.post("/oauth2/token", &own).await.status, 200);
    b.until_stale().await;
    let a = &replicas.a;
    a.follow().await;
    a.engine.set_client_disabled(a.administrator(), &default_workspace(), b.client.claimed_id(), true).await.unwrap();
    b.until_fresh().await;
    let refused = b.post("/oauth2/token", &own).await;
    assert_eq!((refused.status, refused.text("error")), (401, "invalid_client"));
}

/// Balancers that ask over gRPC hear of it too.
#[tokio::test]
async fn grpc_health_tells_that_a_replica_cannot_follow() {
    let replicas = Replicas::with(BOUND).await;
    let b = Served::of(&replicas.b).await;
    let (reporter, service) = tonic_health::server::health_reporter();
    let (_draining, drained) = watch::channel(false);
    report(&reporter, true).await;
    let mut beside = JoinSet::new();
    beside.spawn(report_health(Arc::clone(&replicas.b.engine), reporter, drained));
    let mut health = HealthClient::new(service);
    let request = HealthCheckRequest { service: "jeton.v1.TokenService".to_owned() };
    let mut told = health.watch(request).await.unwrap().into_inner();
    let mut until = async |awaited: ServingStatus| {
        let next = async { while told.message().await.unwrap().unwrap().status() != awaited {} };
        tokio::time::timeout(Duration::from_secs(60), next).await.unwrap();
    };
    until(ServingStatus::Serving).await;
    b.until_stale().await;
    until(ServingStatus::NotServing).await;
    b.until_fresh().await;
    until(ServingStatus::Serving).await;
}

/// STORE section 5: a commit whose answer is lost is unknown.  The client was told to come again and has nothing, so the
/// same request is answered then, once; nothing else gets the code's tokens (RFC 6749 section 4.1.2).
#[tokio::test]
async fn a_code_whose_redemption_was_in_doubt_is_answered_when_it_comes_again() {
    let replicas = Replicas::with(STALENESS).await;
    let b = Served::of(&replicas.b).await;
    let code = b.code().await;
    b.replica.store.lose_answer();
    b.redeem(&code).await.temporarily_unavailable();

    let wrong = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI)];
    let wrong = [&wrong[..], &[("code_verifier", "another-verifier-that-is-long-enough-for-the-rules")]].concat();
    let answered = b.redeem(&code).await;
    assert_eq!(answered.status, 200, "{:?}", answered.body);
    let refreshed = b.refresh(answered.text("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "the refresh token is that of the grant");
    let again = b.redeem(&code).await;
    assert_eq!((again.status, again.text("error")), (400, "invalid_grant"), "it was answered once");
    assert_eq!(b.refresh(refreshed.text("refresh_token")).await.status, 400, "and its grant is revoked");

    // Whoever asks otherwise has no part in it.
    let code = b.code().await;
    b.replica.store.lose_answer();
    b.redeem(&code).await.temporarily_unavailable();
    let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, if *name == "code" { code.as_str() } else { value })).collect();
    assert_eq!(b.post("/oauth2/token", &wrong).await.text("error"), "invalid_grant");
    assert_eq!(b.redeem(&code).await.text("error"), "invalid_grant", "that was the second use");
}

/// Of many that come again at once, one is answered.
#[tokio::test]
async fn of_many_that_repeat_a_redemption_in_doubt_at_most_one_is_answered() {
    let replicas = Replicas::with(STALENESS).await;
    let b = Served::of(&replicas.b).await;
    for _ in 0..20 {
        let code = b.code().await;
        b.replica.store.lose_answer();
        b.redeem(&code).await.temporarily_unavailable();
        let (one, two, three) = tokio::join!(b.redeem(&code), b.redeem(&code), b.redeem(&code));
        let answered = [one, two, three].iter().filter(|reply| reply.status == 200).count();
        assert!(answered <= 1, "{answered} were answered");
    }
}
