//! Signing in, consenting, reading a code, signing out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use jeton::grpc::facts::Peer;
use jeton::grpc::status::{refuse, refuse_management};
use jeton::pb::pages::v1::SignInNeeded;
use jeton::pb::pages::v1::get_interaction_response::Next;
use jeton::types::error::{ErrorCode, OAuthError, Refusal};

use super::super::recorder::{Recorder, get, send};
use super::fake::Sent;
use super::{submit, visit, visit_with};

const SIGN_IN: &str = "csrf_token=t&handle=h1&username=alice&password=hunter2";

fn wrong() -> tonic::Status {
    refuse(OAuthError::invalid_grant("the username or the password is wrong"))
}

#[tokio::test]
async fn a_request_leads_to_the_sign_in_then_to_the_consent_page_then_to_the_client() {
    let recorder = Arc::new(Recorder::default());
    *recorder.pages.next.lock().unwrap() = Some(Next::SignIn(SignInNeeded {}));
    let first = visit(recorder.gateway(), "/consent?handle=h1").await;
    assert_eq!((first.status.as_u16(), first.header("location")), (303, "/login?handle=h1"));

    let signed_in = submit(recorder.gateway(), "/login", SIGN_IN).await;
    assert_eq!((signed_in.status.as_u16(), signed_in.header("location")), (303, "/consent?handle=h1"));
    assert_eq!(signed_in.header("set-cookie"), "jeton_session=session-2; Path=/; HttpOnly; SameSite=Lax");
    let Sent::SignIn(sent) = recorder.pages.last().sent else { panic!("a sign-in") };
    assert_eq!((sent.username.as_str(), sent.password.as_str(), sent.csrf_token.as_str()), ("alice", "hunter2", "t"));
    assert_eq!((sent.workspace.as_str(), sent.handle.as_str()), ("", "h1"));

    *recorder.pages.next.lock().unwrap() = None;
    let consent = visit(recorder.gateway(), "/consent?handle=h1").await;
    assert_eq!(consent.status, 200);
    for words in ["Reports", "alice", "See your analyses and their results", "read:analysis", "reports.example", "app-1"] {
        assert!(consent.body.contains(words), "{words}");
    }
    for (decision, allow) in [("allow", true), ("deny", false)] {
        let form = format!("csrf_token=t&handle=h1&decision={decision}");
        let decided = submit(recorder.gateway(), "/consent", &form).await;
        assert_eq!(decided.status, 303);
        assert_eq!(decided.header("location"), "https://reports.example/cb?code=the-code&state=s");
        let Sent::Decide(sent) = recorder.pages.last().sent else { panic!("a decision") };
        assert_eq!((sent.handle.as_str(), sent.csrf_token.as_str(), sent.allow), ("h1", "t", allow));
    }
}

#[tokio::test]
async fn a_request_that_has_ended_leads_on() {
    let recorder = Arc::new(Recorder::default());
    let uri = "https://reports.example/cb?error=access_denied";
    *recorder.pages.next.lock().unwrap() = Some(Next::RedirectUri(uri.into()));
    let answer = visit(recorder.gateway(), "/consent?handle=h1").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, uri));
}

#[tokio::test]
async fn a_decision_is_one_of_two() {
    let recorder = Arc::new(Recorder::default());
    for form in ["csrf_token=t&handle=h1", "csrf_token=t&handle=h1&decision=yes", "handle=h1&decision=allow&decision=deny"] {
        assert_eq!(submit(recorder.gateway(), "/consent", form).await.status, 400, "{form}");
    }
    assert!(recorder.pages.methods().is_empty());
}

/// A session may end while the page is open.
#[tokio::test]
async fn without_a_session_a_request_leads_to_its_own_sign_in() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("decide_consent", refuse(OAuthError::new(ErrorCode::LoginRequired, "sign in")));
    let answer = submit(recorder.gateway(), "/acme/consent", "csrf_token=t&handle=h%261&decision=allow").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/acme/login?handle=h%261"));
    recorder.pages.refuse("get_code", refuse(OAuthError::new(ErrorCode::LoginRequired, "sign in")));
    let answer = visit(recorder.gateway(), "/authorized?handle=h1").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/login?handle=h1"));
}

#[tokio::test]
async fn without_a_request_the_sign_in_leads_to_the_applications() {
    let recorder = Arc::new(Recorder::default());
    let answer = submit(recorder.gateway(), "/acme/login", "csrf_token=t&handle=&username=a&password=b").await;
    assert_eq!(answer.header("location"), "/acme/oauth2/apps");
}

/// The name is kept, the password is not, and which of them was wrong is not told.
#[tokio::test]
async fn a_wrong_password_shows_the_form_again() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("sign_in", wrong());
    let answer = submit(recorder.gateway(), "/login", SIGN_IN).await;
    assert_eq!(answer.status, 400);
    assert!(answer.headers.get("set-cookie").is_none());
    assert!(!answer.body.contains("hunter2"));
    assert!(answer.body.contains(r#"name="username" value="alice""#));
    assert!(answer.body.contains(r#"name="handle" value="h1""#));
    assert!(answer.body.contains(r#"role="alert" id="problem">The username or the password is not right."#));
    assert_eq!(answer.body.matches(r#"aria-describedby="problem""#).count(), 2);
    assert!(answer.body.contains(r#"<title>Not signed in: try again"#));
}

/// RFC 6585 section 4.
#[tokio::test]
async fn too_many_attempts_are_told_how_long_to_wait() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("sign_in", refuse(OAuthError::too_many_requests(300)));
    let answer = submit(recorder.gateway(), "/login", SIGN_IN).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "300"));
    assert!(answer.body.contains("Wait 5 minutes, then try again."));
    assert!(!answer.body.contains("hunter2"));
}

/// J2: the engine knows a form that is not ours by its token.
#[tokio::test]
async fn a_form_with_a_foreign_token_is_403() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("sign_in", refuse_management(Refusal::PermissionDenied("the form was not made by this server")));
    let answer = submit(recorder.gateway(), "/login", SIGN_IN).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("the form was not made by this server") && answer.headers.get("set-cookie").is_none());
}

/// A session that could add attributes to its cookie is a fault of the server.
#[tokio::test]
async fn a_session_that_no_cookie_can_hold_signs_nobody_in() {
    let recorder = Arc::new(Recorder::default());
    *recorder.pages.session.lock().unwrap() = "x; Domain=evil.example".into();
    let answer = submit(recorder.gateway(), "/login", SIGN_IN).await;
    assert_eq!(answer.status, 500);
    assert!(answer.headers.get("set-cookie").is_none() && !answer.body.contains("evil.example"));
}

/// RFC 8252 section 7 leaves shells without a redirect: the person copies the code.
#[tokio::test]
async fn the_code_page_shows_the_code_once_and_not_in_its_title() {
    let recorder = Arc::new(Recorder::default());
    let page = visit(recorder.gateway(), "/authorized?handle=h1").await;
    assert_eq!(page.status, 200);
    let code = "jc_0kX3vYq1u9TzWm5Rb7Nf2LhGd8PsAeJc4QoViKxUyZ6MtB1wEnSrHpDgFaCl";
    assert_eq!(page.body.matches(code).count(), 1);
    assert!(page.body.contains(&format!(
        "readonly autocomplete=\"off\" spellcheck=\"false\" autofocus aria-describedby=\"how\">{code}</textarea>"
    )));
    assert!(page.body.contains("<title>Copy your code – Acme ID</title>"));
    assert!(page.body.contains("It works once, for 5 minutes.") && page.body.contains("Give it to nobody but"));
    assert!(!page.headers.iter().any(|(_, value)| value.to_str().unwrap().contains(code)));
    let Sent::Handle(handle) = recorder.pages.last().sent else { panic!("a handle") };
    assert_eq!(handle, "h1");
}

/// Anybody can make an address of this page: it repeats nothing of it.
#[tokio::test]
async fn the_end_of_a_request_is_told_in_our_own_words() {
    let recorder = Arc::new(Recorder::default());
    let denied = visit(recorder.gateway(), "/authorized?error=access_denied&error_description=canary&state=canary").await;
    assert_eq!(denied.status, 200);
    assert!(denied.body.contains("You did not allow it"));
    let failed = visit(recorder.gateway(), "/authorized?error=temporarily_unavailable&error_description=canary").await;
    assert_eq!(failed.status, 400);
    assert!(failed.body.contains("<code>temporarily_unavailable</code>"));
    let made_up = visit(recorder.gateway(), "/authorized?error=canary&code=canary").await;
    assert_eq!(made_up.status, 400);
    for page in [denied, failed, made_up] {
        assert!(!page.body.contains("canary"));
    }
    // Asked only how a page looks.
    assert_eq!(recorder.pages.methods(), ["get_sign_out"]);
}

#[tokio::test]
async fn looking_at_the_sign_out_page_changes_nothing() {
    let recorder = Arc::new(Recorder::default());
    let page = visit(recorder.gateway(), "/logout").await;
    assert!(page.body.contains("<h1>Sign out?</h1>") && page.headers.get("set-cookie").is_none());
    assert_eq!(recorder.pages.methods(), ["get_sign_out"]);
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away() {
    let recorder = Arc::new(Recorder::default());
    let answer = submit(recorder.gateway_at("https://id.example"), "/acme/logout", "csrf_token=t").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/acme/logout"));
    let cleared = "__Host-jeton_session.acme=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0";
    assert_eq!(answer.header("set-cookie"), cleared);
    let Sent::SignOut(sent) = recorder.pages.last().sent else { panic!("a sign-out") };
    assert_eq!((sent.workspace.as_str(), sent.csrf_token.as_str()), ("acme", "t"));
    *recorder.pages.nobody.lock().unwrap() = true;
    let page = visit(recorder.gateway(), "/acme/logout").await;
    assert!(page.body.contains("<h1>You are signed out</h1>"));
}

/// C5: a person is led to our own pages and to what the service names, never to what a URL asks for.
#[tokio::test]
async fn no_parameter_names_a_place_to_go() {
    let recorder = Arc::new(Recorder::default());
    for target in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "h1\r\nlocation: //evil"]
    {
        let encoded: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
        for name in ["handle", "next", "return_to", "redirect_uri"] {
            let page = visit(recorder.gateway(), &format!("/login?{name}={encoded}")).await;
            assert_eq!((page.status.as_u16(), page.header("location")), (200, ""), "{name}={target}");
            assert!(page.body.contains(r#"<form method="post" action="/login">"#));
            let form = format!("{name}={encoded}&csrf_token=t&username=a&password=b");
            let answer = submit(recorder.gateway(), "/login", &form).await;
            let expected = if name == "handle" { format!("/consent?handle={encoded}") } else { "/oauth2/apps".into() };
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, expected.as_str()), "{name}={target}");
        }
    }
}

/// The path of an issuer that has one is the proxy's, which takes it away: links must have it.
#[tokio::test]
async fn links_begin_with_the_issuers_path() {
    let recorder = Arc::new(Recorder::default());
    let gateway = || recorder.gateway_at("https://example.com/auth");
    let page = visit(gateway(), "/acme/login").await;
    assert!(page.body.contains(r#"action="/auth/acme/login""#));
    let answer = submit(gateway(), "/acme/login", "handle=h&csrf_token=t&username=a&password=b").await;
    assert_eq!(answer.header("location"), "/auth/acme/consent?handle=h");
}

/// M1: a session is sent for its own workspace alone.
#[tokio::test]
async fn the_sessions_of_two_workspaces_do_not_mix() {
    let recorder = Arc::new(Recorder::default());
    let cookies = "jeton_session=root; jeton_session.acme=acme; jeton_session.zeta=zeta";
    for (base, session) in [("", Some("root")), ("/acme", Some("acme")), ("/zeta", Some("zeta")), ("/other", None)] {
        for page in ["/consent?handle=h", "/oauth2/apps", "/logout", "/login"] {
            visit_with(recorder.gateway(), &format!("{base}{page}"), cookies).await;
            let call = recorder.pages.last();
            assert_eq!(call.session.as_deref(), session, "{base}{page}");
            assert_eq!(call.workspace, base.trim_start_matches('/'));
        }
        visit_with(recorder.gateway_at("https://id.example"), &format!("{base}/oauth2/apps"), cookies).await;
        assert_eq!(recorder.pages.last().session, None, "under https only the prefixed cookie counts");
    }
}

#[tokio::test]
async fn the_services_hear_who_visits() {
    let recorder = Arc::new(Recorder::default());
    let mut request = Request::get("/login").header("cookie", super::COOKIES).body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))));
    send(recorder.gateway(), request).await;
    let call = recorder.pages.last();
    assert_eq!(call.address, Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))));
    assert_eq!(call.session.as_deref(), Some("session-1"));
    assert_eq!(call.browser.as_deref(), Some("A".repeat(43).as_str()));
}

#[tokio::test]
async fn a_page_with_a_form_gives_a_new_browser_its_cookie() {
    let recorder = Arc::new(Recorder::default());
    for page in [
        "/login",
        "/consent?handle=h",
        "/logout",
        "/oauth2/apps/new",
        "/oauth2/apps/a",
        "/oauth2/apps/a/delete",
        "/oauth2/consents",
    ] {
        let answer = get(recorder.gateway_at("https://id.example"), page).await;
        let set = answer.header("set-cookie").to_owned();
        let value = set
            .strip_prefix("__Host-jeton_browser=")
            .and_then(|rest| rest.strip_suffix("; Path=/; HttpOnly; SameSite=Lax; Secure"));
        assert_eq!(recorder.pages.last().browser.as_deref(), value, "{page}");
        assert_eq!(value.map(str::len), Some(43));
    }
}

/// Another site's form comes without the cookies of the browser, and must not replace them.
#[tokio::test]
async fn a_refusal_gives_no_new_browser_cookie() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("get_interaction", refuse(OAuthError::invalid_request("no such request")));
    for page in ["/consent?handle=h", "/oauth2/authorize?state=%ff", "/authorized"] {
        let answer = get(recorder.gateway(), page).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (400, ""), "{page}");
    }
}
