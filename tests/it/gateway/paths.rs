//! Paths and methods.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use jeton::grpc::status::refuse;
use jeton::types::error::OAuthError;
use tonic::Status;

use super::recorder::{Recorder, Refusal, get, post, send};

/// M3: a path that two parsers could read in two ways leads nowhere.
#[tokio::test]
async fn tricks_in_a_path_are_404() {
    let recorder = Arc::new(Recorder::default());
    let long = format!("/{}/oauth2/token", "a".repeat(10 * 1024));
    for path in [
        "/%61cme/oauth2/token",
        "/acme%2fx/oauth2/token",
        "/acme%2Foauth2/token",
        "/../oauth2/token",
        "/acme/../oauth2/token",
        "/%2e%2e/oauth2/token",
        "/acme;x/oauth2/token",
        "/acme/oauth2/token;x",
        "/acme/..;/oauth2/token",
        "//oauth2/token",
        "/acme//oauth2/token",
        "/oauth2//token",
        "/oauth2/token/",
        "/oauth2/Token",
        "/OAuth2/token",
        "/oauth2/%74oken",
        "/Acme/oauth2/token",
        "/-acme/oauth2/token",
        "/acm%C3%A9/oauth2/token",
        "/acme%00/oauth2/token",
        "/.well-known/oauth2/token",
        "/oauth/2//token",
        "/",
        &long,
    ] {
        assert_eq!(post(recorder.gateway(), path, "grant_type=client_credentials").await.error(), "404 not_found", "{path}");
    }
    assert!(recorder.issued.lock().unwrap().is_empty());
}

/// One canonical path to the default workspace, or two issuers would be one.
#[tokio::test]
async fn the_default_workspace_is_served_at_the_root_alone() {
    let recorder = Arc::new(Recorder::default());
    assert_eq!(post(recorder.gateway(), "/default/oauth2/token", "").await.error(), "404 not_found");
    for path in ["/default/oauth2/jwks", "/.well-known/oauth-authorization-server/default"] {
        assert_eq!(get(recorder.gateway(), path).await.error(), "404 not_found", "{path}");
    }
    for path in ["/default/oauth2/authorize", "/default/oauth2/continue"] {
        let page = get(recorder.gateway(), path).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_names_the_right_ones() {
    let recorder = Arc::new(Recorder::default());
    for (method, path, allowed) in [
        ("GET", "/oauth2/token", "POST"),
        ("PUT", "/oauth2/token", "POST"),
        ("GET", "/acme/oauth2/introspect", "POST"),
        ("OPTIONS", "/oauth2/introspect", "POST"),
        ("DELETE", "/oauth2/revoke", "POST"),
        ("POST", "/oauth2/jwks", "GET,HEAD"),
        ("POST", "/.well-known/oauth-authorization-server", "GET,HEAD"),
        ("POST", "/oauth2/continue", "GET,HEAD"),
        ("PUT", "/oauth2/authorize", "GET,HEAD,POST"),
        ("OPTIONS", "/oauth2/authorize", "GET,HEAD,POST"),
    ] {
        let answer = send(recorder.gateway(), Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.error(), "405 invalid_request", "{method} {path}");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn every_endpoint_is_there_for_every_workspace() {
    let recorder = Arc::new(Recorder::default());
    *recorder.login_uri.lock().unwrap() = "https://login.example/".into();
    for workspace in ["", "/acme", "/a-1"] {
        for path in ["token", "introspect", "revoke"] {
            let form = "grant_type=client_credentials&token=t";
            let answer = post(recorder.gateway(), &format!("{workspace}/oauth2/{path}"), form).await;
            assert_eq!(answer.status, 200, "{workspace} {path}");
        }
        for (path, status) in [("authorize", 303), ("continue", 303), ("jwks", 200)] {
            let answer = get(recorder.gateway(), &format!("{workspace}/oauth2/{path}")).await;
            assert_eq!(answer.status, status, "{workspace} {path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_workspace_is_404_where_nothing_is_secret() {
    let recorder = Arc::new(Recorder::default());
    for path in ["/nowhere/oauth2/jwks", "/.well-known/oauth-authorization-server/nowhere"] {
        recorder.refuse(Refusal::Status(Status::not_found("no workspace")));
        assert_eq!(get(recorder.gateway(), path).await.error(), "404 not_found");
    }
    recorder.refuse(Refusal::Status(Status::not_found("no workspace")));
    let page = get(recorder.gateway(), "/nowhere/oauth2/authorize").await;
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").starts_with("text/html"));
}

/// J4: only the configuration says who the server is.
#[tokio::test]
async fn headers_of_proxies_change_nothing() {
    let recorder = Arc::new(Recorder::default());
    let plain = get(recorder.gateway(), "/.well-known/oauth-authorization-server").await;
    let request = Request::get("/.well-known/oauth-authorization-server")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-prefix", "/evil")
        .header("forwarded", "host=evil.example;proto=https")
        .body(Body::empty());
    assert_eq!(send(recorder.gateway(), request.unwrap()).await.body, plain.body);
}

/// C5 holds for JSON too: where a browser may be sent is never in a JSON answer.
#[tokio::test]
async fn a_redirect_uri_of_a_refusal_stays_out_of_json() {
    let recorder = Arc::new(Recorder::default());
    let error = OAuthError { redirect_uri: Some("https://canary".into()), ..OAuthError::invalid_scope("no") };
    recorder.refuse(Refusal::Status(refuse(error)));
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=client_credentials").await;
    assert!(!answer.body.contains("canary") && answer.headers.get("location").is_none());
}
