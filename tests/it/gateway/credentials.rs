//! Credentials: in one place, never in a URL, never in an answer.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use jeton::types::error::OAuthError;

use super::recorder::{Recorder, Refusal, post, post_plainly, send};

const POSTED: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

/// N3 and OAuth 2.1 section 2.4.1: credentials, codes and tokens never stand in a URL.
#[tokio::test]
async fn a_parameter_in_the_url_is_refused_by_name() {
    let recorder = Arc::new(Recorder::default());
    for path in POSTED {
        for name in ["code", "client_secret", "refresh_token", "token", "client_id", "grant_type"] {
            let answer = post(recorder.gateway(), &format!("{path}?{name}=canary"), "grant_type=client_credentials").await;
            assert_eq!(answer.error(), "400 invalid_request");
            assert!(answer.body.contains(name) && !answer.body.contains("canary"), "{}", answer.body);
        }
    }
    assert!(recorder.issued.lock().unwrap().is_empty());
}

/// RFC 6749 section 5.2.
#[tokio::test]
async fn a_request_without_credentials_is_401_with_a_challenge() {
    let recorder = Arc::new(Recorder::default());
    for path in POSTED {
        let answer = post_plainly(recorder.gateway(), path, "grant_type=client_credentials&token=t").await;
        assert_eq!(answer.error(), "401 invalid_client", "{path}");
        assert_eq!(answer.header("www-authenticate"), r#"Basic realm="jeton", error="invalid_client""#);
    }
}

/// RFC 6749 section 2.3 and E8.
#[tokio::test]
async fn two_ways_of_authenticating_at_once_are_refused() {
    let recorder = Arc::new(Recorder::default());
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=client_credentials&client_secret=s").await;
    assert_eq!(answer.error(), "400 invalid_request");
    assert!(answer.headers.get("www-authenticate").is_none());
}

/// The gateway does not know clients: whether one exists is for the engine to hide.
#[tokio::test]
async fn an_unknown_workspace_looks_like_an_unknown_client() {
    let recorder = Arc::new(Recorder::default());
    recorder.refuse(Refusal::OAuth(OAuthError::invalid_client()));
    let answer = post(recorder.gateway(), "/nowhere/oauth2/token", "grant_type=client_credentials").await;
    assert_eq!(answer.error(), "401 invalid_client");
    assert_eq!(recorder.issued.lock().unwrap().remove(0).workspace, "nowhere");
}

#[tokio::test]
async fn only_one_content_type_is_read() {
    let recorder = Arc::new(Recorder::default());
    for types in [&[][..], &["application/json"], &["application/x-www-form-urlencoded", "application/json"]] {
        let mut request = Request::post("/oauth2/token").header(AUTHORIZATION, "Basic aWQ6c2VjcmV0");
        for &media_type in types {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let request = request.body(Body::from("grant_type=client_credentials")).unwrap();
        assert_eq!(send(recorder.gateway(), request).await.error(), "400 invalid_request", "{types:?}");
    }
}

/// RFC 6749 section 3.2.
#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let recorder = Arc::new(Recorder::default());
    for form in ["grant_type=client_credentials&scope=a&scope=a", "grant_type=client_credentials&q=1&q=2"] {
        assert_eq!(post(recorder.gateway(), "/oauth2/token", form).await.error(), "400 invalid_request");
    }
    assert!(recorder.issued.lock().unwrap().is_empty());
}
