//! Which endpoints a script of another origin may call.

use std::sync::Arc;

use axum::body::Body;
use http::Request;

use super::recorder::{Answer, Recorder, post, send};

async fn from_other_origin(method: &str, path: &str) -> Answer {
    let recorder = Arc::new(Recorder::default());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("origin", "https://spa.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .body(Body::empty());
    send(recorder.gateway(), request.unwrap()).await
}

#[tokio::test]
async fn applications_in_browsers_may_ask_for_tokens() {
    for path in ["/oauth2/token", "/acme/oauth2/revoke", "/oauth2/jwks", "/.well-known/oauth-authorization-server/acme"] {
        let answer = from_other_origin("OPTIONS", path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "GET,POST", "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization,content-type", "{path}");
        assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{path}");
    }
}

#[tokio::test]
async fn a_script_can_read_why_it_was_refused() {
    let recorder = Arc::new(Recorder::default());
    let answer = post(recorder.gateway(), "/oauth2/token", "").await;
    assert_eq!(answer.error(), "400 invalid_request");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

/// RFC 9700 section 2.6: no CORS at the authorization endpoint.
#[tokio::test]
async fn what_browsers_visit_and_servers_ask_is_closed_to_scripts() {
    for path in ["/oauth2/authorize", "/oauth2/continue", "/oauth2/introspect", "/acme/oauth2/authorize"] {
        for method in ["OPTIONS", "GET", "POST"] {
            let answer = from_other_origin(method, path).await;
            let cors = answer.headers.keys().any(|name| name.as_str().starts_with("access-control"));
            assert!(!cors, "{method} {path}");
        }
    }
}
