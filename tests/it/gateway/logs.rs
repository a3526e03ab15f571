//! What the gateway writes to the log.

use std::sync::Arc;

use axum::body::Body;
use http::Request;

use super::recorder::{Recorder, Refusal, get, post_plainly, send};
use crate::support::log::{Log, watch};

/// N1: no value of a request stands in the log, mistyped names included, at any level.
#[tokio::test]
async fn no_value_of_a_request_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let guard = watch(subscriber);
    let recorder = Arc::new(Recorder::default());
    for name in ["client_secret", "client_secet", "code", "refresh_token", "token", "code_verifier", "grant_type", "scope"] {
        let form = format!("client_id=canary&{name}=canary");
        for path in ["token", "introspect", "revoke", "authorize"] {
            post_plainly(recorder.gateway(), &format!("/oauth2/{path}"), &form).await;
            get(recorder.gateway(), &format!("/oauth2/{path}?{form}")).await;
        }
    }
    for header in ["authorization", "cookie", "x-canary"] {
        let request = Request::post("/oauth2/token").header(header, "Basic canary").body(Body::from("canary=canary"));
        send(recorder.gateway(), request.unwrap()).await;
        let request = Request::get("/oauth2/continue?ticket=canary").header(header, "jeton_browser=canary");
        send(recorder.gateway(), request.body(Body::empty()).unwrap()).await;
    }
    recorder.refuse(Refusal::Status(tonic::Status::internal("canary")));
    get(recorder.gateway(), "/oauth2/authorize?client_id=canary").await;
    drop(guard);
    let written = log.text();
    assert!(!written.contains("canary"), "{written}");
}

/// The person reads the reference to the operator, who finds the line.
#[tokio::test]
async fn the_reference_of_an_error_page_is_in_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    let guard = watch(subscriber);
    let page = get(Arc::new(Recorder::default()).gateway(), "/oauth2/authorize?state=%ff").await;
    drop(guard);
    let reference = page.body.rsplit("<code>").next().unwrap().split('<').next().unwrap();
    assert_eq!(reference.len(), 12);
    let written = log.text();
    assert!(written.contains(reference) && written.contains("invalid_request"), "{written}");
}
