//! Metadata and keys.

use std::sync::Arc;

use super::recorder::{Recorder, get};

/// RFC 8414 section 3.2: members without a value are left out.
#[tokio::test]
async fn metadata_leaves_out_what_is_empty() {
    let recorder = Arc::new(Recorder::default());
    let answer = get(recorder.gateway(), "/.well-known/oauth-authorization-server").await;
    assert_eq!(
        answer.body,
        concat!(
            r#"{"issuer":"https://id.example","token_endpoint":"https://id.example/oauth2/token","#,
            r#""response_types_supported":["code"],"authorization_response_iss_parameter_supported":true}"#
        )
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.header("pragma"), "");
}

/// RFC 8414 section 3.1 puts the well-known part first; many clients append it.
#[tokio::test]
async fn a_workspace_has_its_metadata_under_both_forms() {
    let recorder = Arc::new(Recorder::default());
    for path in ["/.well-known/oauth-authorization-server/acme", "/acme/.well-known/oauth-authorization-server"] {
        assert_eq!(get(recorder.gateway(), path).await.status, 200);
        assert_eq!(recorder.described.lock().unwrap().remove(0), "acme");
    }
}

/// RFC 7517 section 8.5.2, RFC 8037 section 2.
#[tokio::test]
async fn keys_are_a_jwk_set_that_caches_keep_for_as_long_as_the_service_says() {
    let recorder = Arc::new(Recorder::default());
    let answer = get(recorder.gateway(), "/acme/oauth2/jwks").await;
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"x","kid":"k","alg":"EdDSA","use":"sig"}"#;
    assert_eq!(answer.body, format!(r#"{{"keys":[{key}]}}"#));
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=1200");
}
