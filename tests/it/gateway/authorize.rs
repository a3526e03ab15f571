//! The authorization endpoint, as a browser sees it.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use jeton::types::error::{ErrorCode, OAuthError};

use super::recorder::{Answer, Recorder, Refusal, get, post_plainly, send};

const ASK: &str = "/acme/oauth2/authorize?response_type=code&client_id=c&redirect_uri=https%3A%2F%2Fapp%2Fcb&scope=a+b&state=s%20t&code_challenge=h&code_challenge_method=S256";

fn with_login() -> Arc<Recorder> {
    let recorder = Arc::new(Recorder::default());
    *recorder.login_uri.lock().unwrap() = "https://login.example/in?handle=h".into();
    recorder
}

async fn get_with_cookie(recorder: &Arc<Recorder>, path: &str, cookie: &str) -> Answer {
    send(recorder.gateway(), Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_good_request_leads_to_the_login_application() {
    let recorder = with_login();
    let answer = get(recorder.gateway(), ASK).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "https://login.example/in?handle=h");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let (sent, _) = recorder.validated.lock().unwrap().remove(0);
    assert_eq!(sent.workspace, "acme");
    assert_eq!(sent.response_type, "code");
    assert_eq!(sent.client_id, "c");
    assert_eq!(sent.redirect_uri, "https://app/cb");
    assert_eq!(sent.scope, "a b");
    assert_eq!(sent.state, "s t");
    assert_eq!(sent.code_challenge, "h");
    assert_eq!(sent.code_challenge_method, "S256");
}

/// RFC 6749 section 3.1: POST may be supported too; RFC 9700 section 4.12: it ends in 303.
#[tokio::test]
async fn a_form_asks_as_well_as_a_query() {
    let recorder = with_login();
    let answer = post_plainly(recorder.gateway(), "/oauth2/authorize", "response_type=code&client_id=c").await;
    assert_eq!(answer.status, 303);
    assert_eq!(recorder.validated.lock().unwrap().remove(0).0.client_id, "c");
}

/// The engine binds the request to the browser by the value that the cookie holds.
#[tokio::test]
async fn the_browser_is_told_apart_by_a_cookie_of_its_own() {
    let recorder = with_login();
    let set = get(recorder.gateway(), ASK).await.header("set-cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    let value = pair.strip_prefix("jeton_browser=").unwrap();
    assert_eq!(value.len(), 43);
    assert_eq!(recorder.validated.lock().unwrap().remove(0).1.as_deref(), Some(value));

    let again = get_with_cookie(&recorder, ASK, pair).await;
    assert_eq!(again.header("set-cookie"), "", "a good cookie is kept");
    assert_eq!(recorder.validated.lock().unwrap().remove(0).1.as_deref(), Some(value));

    let replaced = get_with_cookie(&recorder, ASK, "jeton_browser=short").await;
    assert!(replaced.header("set-cookie").starts_with("jeton_browser="), "a malformed one is replaced");
}

#[tokio::test]
async fn an_https_issuer_makes_the_cookie_secure() {
    let recorder = with_login();
    let answer = get(recorder.gateway_at("https://id.example"), ASK).await;
    assert!(answer.header("set-cookie").starts_with("__Host-jeton_browser="));
    assert!(answer.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn a_workspace_without_a_login_application_asks_on_our_own_pages() {
    let recorder = Arc::new(Recorder::default());
    let answer = get(recorder.gateway(), ASK).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/acme/consent?handle=h"));
    assert!(answer.header("set-cookie").starts_with("jeton_browser="));
}

/// RFC 6749 section 4.1.2.1.
#[tokio::test]
async fn a_refusal_that_may_be_redirected_goes_to_the_client() {
    let recorder = with_login();
    let uri = "https://app/cb?error=invalid_scope&state=s";
    recorder.refuse(Refusal::OAuth(OAuthError { redirect_uri: Some(uri.into()), ..OAuthError::invalid_scope("no") }));
    let answer = get(recorder.gateway(), ASK).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, uri));
}

/// C5: a client or redirect URI that cannot be trusted gets no redirect, whatever the error.
#[tokio::test]
async fn every_other_refusal_is_a_page() {
    for &code in ErrorCode::ALL {
        let recorder = with_login();
        recorder.refuse(Refusal::OAuth(OAuthError::new(code, "why <b>not</b>")));
        let answer = get(recorder.gateway(), ASK).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{code}");
        assert!(answer.headers.get("location").is_none() && answer.headers.get("www-authenticate").is_none(), "{code}");
        assert!(answer.body.contains(code.as_str()) && !answer.body.contains("<b>"), "{code}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

/// RFC 6749 section 3.1: parameters must not be included more than once.
#[tokio::test]
async fn a_repeated_parameter_is_a_page_and_reaches_nobody() {
    let recorder = with_login();
    for path in ["/oauth2/authorize?client_id=a&client_id=b", "/oauth2/authorize?state=%ff", "/oauth2/continue?ticket=a&ticket=b"]
    {
        let answer = get(recorder.gateway(), path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    let posted = post_plainly(recorder.gateway(), "/oauth2/authorize?client_id=a", "response_type=code").await;
    assert_eq!(posted.status, 400);
    assert!(recorder.validated.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_decided_request_goes_on_in_the_browser_that_began_it() {
    let recorder = with_login();
    let value = "A".repeat(43);
    let cookie = format!("a=b; jeton_browser={value}");
    let answer = get_with_cookie(&recorder, "/acme/oauth2/continue?ticket=t", &cookie).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "https://app.example/cb?code=c"));
    let (sent, browser) = recorder.continued.lock().unwrap().remove(0);
    assert_eq!((sent.workspace.as_str(), sent.ticket.as_str()), ("acme", "t"));
    assert_eq!(browser, Some(value));
}

#[tokio::test]
async fn a_browser_without_the_cookie_is_sent_on_as_such() {
    let recorder = with_login();
    get(recorder.gateway(), "/oauth2/continue?ticket=t").await;
    assert_eq!(recorder.continued.lock().unwrap().remove(0).1, None);
}
