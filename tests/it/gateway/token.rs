//! The token endpoint, introspection and revocation.

use std::sync::Arc;

use jeton::pb::v1::client_authentication::Method;
use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::{AuthorizationCodeGrant, ClientSecret, IntrospectTokenResponse, RefreshTokenGrant};
use jeton::types::error::OAuthError;

use super::recorder::{Recorder, Refusal, post};

/// RFC 6749 section 4.1.3.
#[tokio::test]
async fn a_code_is_sent_on_as_its_arm_of_the_grant() {
    let recorder = Arc::new(Recorder::default());
    let form = "grant_type=authorization_code&code=c%2F1&redirect_uri=https%3A%2F%2Fa%2Fcb&code_verifier=v&scope=a+b&x=y";
    let answer = post(recorder.gateway(), "/acme/oauth2/token", form).await;
    assert_eq!(answer.status, 200);
    let sent = recorder.issued.lock().unwrap().remove(0);
    assert_eq!(sent.workspace, "acme");
    let credentials = ClientSecret { client_id: "id".into(), client_secret: "secret".into() };
    assert_eq!(sent.client_authentication.unwrap().method, Some(Method::ClientSecretBasic(credentials)));
    let grant = AuthorizationCodeGrant {
        code: "c/1".into(),
        redirect_uri: "https://a/cb".into(),
        code_verifier: "v".into(),
        scope: "a b".into(),
    };
    assert_eq!(sent.grant, Some(Grant::AuthorizationCode(grant)));
}

/// RFC 6749 section 6.
#[tokio::test]
async fn a_refresh_token_is_sent_on_as_its_arm_of_the_grant() {
    let recorder = Arc::new(Recorder::default());
    post(recorder.gateway(), "/oauth2/token", "grant_type=refresh_token&refresh_token=r&scope=a").await;
    let sent = recorder.issued.lock().unwrap().remove(0);
    assert_eq!(sent.workspace, "");
    let grant = RefreshTokenGrant { refresh_token: "r".into(), scope: "a".into() };
    assert_eq!(sent.grant, Some(Grant::RefreshToken(grant)));
}

/// RFC 6749 section 5.1: no refresh token means no such member, and no cache keeps the answer.
#[tokio::test]
async fn tokens_are_answered_as_json_that_no_cache_keeps() {
    let recorder = Arc::new(Recorder::default());
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=client_credentials").await;
    assert_eq!(answer.body, r#"{"access_token":"the-access-token","token_type":"Bearer","expires_in":900,"scope":"read"}"#);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    *recorder.refresh_token.lock().unwrap() = "the-refresh-token".into();
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=client_credentials").await;
    assert!(answer.body.contains(r#""refresh_token":"the-refresh-token""#));
}

#[tokio::test]
async fn a_missing_and_an_unknown_grant_type_are_told_apart() {
    let recorder = Arc::new(Recorder::default());
    for form in ["", "grant_type=", "scope=a"] {
        assert_eq!(post(recorder.gateway(), "/oauth2/token", form).await.error(), "400 invalid_request", "{form}");
    }
    for value in ["Code", "passwords", "Client_Credentials", "client_credentials%20", "canary%3Cb%3E"] {
        let answer = post(recorder.gateway(), "/oauth2/token", &format!("grant_type={value}")).await;
        assert_eq!(answer.error(), "400 unsupported_grant_type", "{value}");
        assert!(!answer.body.contains("canary"));
    }
    assert!(recorder.issued.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_service_is_answered_with_its_code_and_sentence() {
    let recorder = Arc::new(Recorder::default());
    recorder.refuse(Refusal::OAuth(OAuthError::invalid_grant("the code was already used")));
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=authorization_code&code=c").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, r#"{"error":"invalid_grant","error_description":"the code was already used"}"#);
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// B6 and RFC 7009 section 2.2.1: a revocation that could not be kept is not answered 200.
#[tokio::test]
async fn a_store_that_cannot_write_is_503_with_retry_after() {
    let recorder = Arc::new(Recorder::default());
    recorder.refuse(Refusal::OAuth(OAuthError::unavailable("disk full: canary")));
    let answer = post(recorder.gateway(), "/oauth2/revoke", "token=t").await;
    assert_eq!(answer.error(), "503 temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.body.contains("canary"));
}

/// RFC 7009 section 2.2.
#[tokio::test]
async fn a_revocation_is_answered_with_an_empty_body() {
    let recorder = Arc::new(Recorder::default());
    let answer = post(recorder.gateway(), "/acme/oauth2/revoke", "token=t&token_type_hint=refresh_token").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    let sent = recorder.revoked.lock().unwrap().remove(0);
    assert_eq!((sent.workspace.as_str(), sent.token.as_str()), ("acme", "t"));
}

/// RFC 7662 section 2.2 and H1: an inactive token is exactly that, whatever the message holds.
#[tokio::test]
async fn an_inactive_token_has_no_other_member() {
    let recorder = Arc::new(Recorder::default());
    *recorder.introspection.lock().unwrap() =
        IntrospectTokenResponse { active: false, sub: "canary".into(), exp: 1, ..Default::default() };
    let answer = post(recorder.gateway(), "/oauth2/introspect", "token=t").await;
    assert_eq!(answer.body, r#"{"active":false}"#);
}

#[tokio::test]
async fn an_active_token_has_the_members_that_are_known() {
    let recorder = Arc::new(Recorder::default());
    *recorder.introspection.lock().unwrap() = IntrospectTokenResponse {
        active: true,
        scope: "read".into(),
        client_id: "c".into(),
        exp: 20,
        iat: 10,
        sub: "alice".into(),
        iss: "https://id.example".into(),
        ..Default::default()
    };
    let answer = post(recorder.gateway(), "/oauth2/introspect", "token=t&token_type_hint=access_token").await;
    assert_eq!(
        answer.body,
        r#"{"active":true,"scope":"read","client_id":"c","exp":20,"iat":10,"sub":"alice","iss":"https://id.example"}"#
    );
    assert_eq!(recorder.introspected.lock().unwrap().remove(0).token, "t");
}
