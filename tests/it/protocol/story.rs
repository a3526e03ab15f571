//! A person, a browser and a whole server: from the registration of an application to its tokens.

use jeton::pb::admin::v1::scope_service_client::ScopeServiceClient;
use jeton::pb::admin::v1::{CreateUserRequest, Scope, SetScopeRequest};

use crate::support::clients::{Party, REDIRECT_URI, VERIFIER, web};
use crate::support::server::{ISSUER, Server};
use crate::support::surface::Answer;
use crate::support::web::{Browser, parameter};

const PASSWORD: &str = "correct horse";
const CODE_PAGE: &str = "https://id.example.org/authorized";

/// A server with a scope and a person.
async fn with_alice() -> Server {
    let server = Server::start().await;
    let request = CreateUserRequest { username: "alice".into(), password: PASSWORD.into(), ..CreateUserRequest::default() };
    server.users().create_user(server.as_admin(request)).await.unwrap();
    let scope = Scope { name: "read".into(), description: "See your documents".into(), restricted: false };
    let request = SetScopeRequest { workspace: String::new(), scope: Some(scope) };
    ScopeServiceClient::new(server.admin()).set_scope(server.as_admin(request)).await.unwrap();
    server
}

/// The value of a hidden or a readonly field.
fn value(page: &Answer, start: &str) -> String {
    let rest = page.body.split(start).nth(1).unwrap_or_else(|| panic!("no {start} in {}", page.body));
    rest.split(['"', '<']).next().unwrap().to_owned()
}

fn csrf_token(page: &Answer) -> String {
    value(page, r#"name="csrf_token" value=""#)
}

fn textarea(page: &Answer, id: &str) -> String {
    let field = page.body.split(&format!(r#"<textarea id="{id}""#)).nth(1).expect("the field");
    field.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Where a 303 leads, as a path of the server when it is one of it.
fn leads_to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let location = answer.header("location");
    location.strip_prefix(ISSUER).unwrap_or(location)
}

async fn active(server: &Server, party: &Party, token: &str) -> bool {
    server.post("/oauth2/introspect", party, &[("token", token)]).await.json().unwrap()["active"] == true
}

async fn sign_in(browser: &mut Browser, server: &Server, path: &str) -> Answer {
    let page = browser.get(server, path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (token, handle) = (csrf_token(&page), value(&page, r#"name="handle" value=""#));
    let pairs = [("csrf_token", token.as_str()), ("handle", &handle), ("username", "alice"), ("password", PASSWORD)];
    browser.submit(server, "/login", &pairs).await
}

/// Alice, signed in, and the native application that she registered.
async fn registered() -> (Server, Browser, Party) {
    let (server, mut browser) = (with_alice().await, Browser::default());
    let first = browser.get(&server, "/oauth2/apps").await;
    assert_eq!(leads_to(&first), "/login");
    assert_eq!(leads_to(&sign_in(&mut browser, &server, "/login").await), "/oauth2/apps");
    assert!(browser.get(&server, "/oauth2/apps").await.body.contains("There are no applications yet."));

    let form = browser.get(&server, "/oauth2/apps/new").await;
    assert!(form.body.contains("See your documents"));
    let token = csrf_token(&form);
    let pairs = [("csrf_token", token.as_str()), ("name", "Reports"), ("native", "yes"), ("scope", "read")];
    let page = browser.submit(&server, "/oauth2/apps", &pairs).await;
    assert_eq!(page.status, 201, "{}", page.body);
    let client_id = value(&page, r#"<input id="client_id" class="value" value=""#);
    let party = Party { workspace: String::new(), client_id, secret: Some(textarea(&page, "client_secret")) };
    (server, browser, party)
}

/// RFC 6749 section 4.1 for an application that no browser can be sent back to.
#[tokio::test]
async fn a_person_registers_an_application_allows_it_and_copies_its_code() {
    let (server, mut browser, party) = registered().await;
    let asked = browser.authorize(&server, &party, &[("redirect_uri", CODE_PAGE)]).await;
    let consent = browser.get(&server, leads_to(&asked)).await;
    assert_eq!(consent.status, 200, "{}", consent.body);
    assert!(consent.body.contains("Reports") && consent.body.contains("See your documents") && consent.body.contains("alice"));

    let (token, handle) = (csrf_token(&consent), value(&consent, r#"name="handle" value=""#));
    let pairs = [("csrf_token", token.as_str()), ("handle", &handle), ("decision", "allow")];
    let decided = browser.submit(&server, "/consent", &pairs).await;
    let code_page = browser.get(&server, leads_to(&decided)).await;
    assert_eq!(code_page.status, 200, "{}", code_page.body);
    let code = textarea(&code_page, "code");
    assert!(code_page.body.contains("<title>Copy your code") && !decided.header("location").contains(&code));

    let grant = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CODE_PAGE), ("code_verifier", VERIFIER)];
    let tokens = server.post("/oauth2/token", &party, &grant).await.json().unwrap();
    assert_eq!(tokens["scope"], "read");
    let access_token = tokens["access_token"].as_str().unwrap();
    assert!(active(&server, &party, access_token).await);

    let consents = browser.get(&server, "/oauth2/consents").await;
    assert!(consents.body.contains("Reports"));
    let token = csrf_token(&consents);
    let withdrawal = format!("/oauth2/consents/{}/withdraw", party.client_id);
    let withdrawn = browser.submit(&server, &withdrawal, &[("csrf_token", &token)]).await;
    assert_eq!(leads_to(&withdrawn), "/oauth2/consents");
    assert!(!active(&server, &party, access_token).await);
}

#[tokio::test]
async fn who_does_not_allow_it_is_told_so_and_gives_nothing() {
    let (server, mut browser, party) = registered().await;
    let asked = browser.authorize(&server, &party, &[("redirect_uri", CODE_PAGE)]).await;
    let consent = browser.get(&server, leads_to(&asked)).await;
    let (token, handle) = (csrf_token(&consent), value(&consent, r#"name="handle" value=""#));
    let pairs = [("csrf_token", token.as_str()), ("handle", &handle), ("decision", "deny")];
    let decided = browser.submit(&server, "/consent", &pairs).await;
    let page = browser.get(&server, leads_to(&decided)).await;
    assert!(page.status == 200 && page.body.contains("You did not allow it"), "{}", page.body);
}

/// The sign-in keeps the request, and its answer goes to the client with its state.
#[tokio::test]
async fn a_request_of_a_website_is_signed_in_for_and_answered() {
    let (server, mut browser) = (with_alice().await, Browser::default());
    let party = server.register(web()).await;
    let asked = browser.authorize(&server, &party, &[]).await;
    let not_yet = browser.get(&server, leads_to(&asked)).await;
    let signed_in = sign_in(&mut browser, &server, leads_to(&not_yet)).await;
    let consent = browser.get(&server, leads_to(&signed_in)).await;
    let policy = consent.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://app.example.org;"), "{policy}");
    let (token, handle) = (csrf_token(&consent), value(&consent, r#"name="handle" value=""#));
    let pairs = [("csrf_token", token.as_str()), ("handle", &handle), ("decision", "allow")];
    let decided = browser.submit(&server, "/consent", &pairs).await;
    let location = leads_to(&decided);
    assert_eq!(parameter(location, "state").as_deref(), Some("s t&a=te"));
    let code = parameter(location, "code").unwrap();
    let grant =
        [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    assert!(server.post("/oauth2/token", &party, &grant).await.json().is_ok());
}

/// J2: a token of another browser is none, on every form.
#[tokio::test]
async fn a_form_needs_the_token_of_its_browser() {
    let (server, mut browser, party) = registered().await;
    let foreign = csrf_token(&Browser::default().get(&server, "/login").await);
    let one = format!("/oauth2/apps/{}", party.client_id);
    for (path, pairs) in [
        ("/login", vec![("username", "alice"), ("password", PASSWORD)]),
        ("/logout", vec![]),
        ("/oauth2/apps", vec![("name", "x"), ("native", "yes")]),
        (&one, vec![("name", "x"), ("native", "yes"), ("revision", "1")]),
        (&format!("{one}/secret"), vec![("overlap", "now")]),
        (&format!("{one}/delete"), vec![]),
    ] {
        for token in ["", &foreign] {
            let answer = browser.submit(&server, path, &[&pairs[..], &[("csrf_token", token)]].concat()).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in() {
    let (server, mut browser) = (with_alice().await, Browser::default());
    let token = csrf_token(&browser.get(&server, "/login").await);
    let pairs = [("csrf_token", token.as_str()), ("username", "alice"), ("password", "incorrect mule")];
    let answer = browser.submit(&server, "/login", &pairs).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (400, ""));
    assert!(answer.body.contains("The username or the password is not right."));
    assert_eq!(leads_to(&browser.get(&server, "/oauth2/apps").await), "/login");
}

#[tokio::test]
async fn an_application_is_changed_gets_another_secret_and_is_deleted() {
    let (server, mut browser, party) = registered().await;
    let path = format!("/oauth2/apps/{}", party.client_id);
    let page = browser.get(&server, &path).await;
    let (token, revision) = (csrf_token(&page), value(&page, r#"name="revision" value=""#));
    let bad = [("csrf_token", token.as_str()), ("name", ""), ("native", "yes"), ("revision", &revision)];
    let refused = browser.submit(&server, &path, &bad).await;
    assert!(refused.status == 400 && refused.body.contains(r#"id="name-problem">The name must be"#), "{}", refused.body);
    let good = [("csrf_token", token.as_str()), ("name", "Renamed"), ("native", "yes"), ("revision", &revision)];
    let saved = browser.submit(&server, &path, &good).await;
    assert_eq!(leads_to(&saved), format!("{path}?saved=1"));
    assert!(browser.get(&server, leads_to(&saved)).await.body.contains("<bdi>Renamed</bdi>"));
    let stale = browser.submit(&server, &path, &good).await;
    assert_eq!(stale.status, 409, "{}", stale.body);

    let rotated = browser.submit(&server, &format!("{path}/secret"), &[("csrf_token", &token), ("overlap", "1h")]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert_ne!(Some(textarea(&rotated, "client_secret")), party.secret);

    let deleted = browser.submit(&server, &format!("{path}/delete"), &[("csrf_token", &token)]).await;
    assert_eq!(leads_to(&deleted), "/oauth2/apps");
    assert_eq!(browser.get(&server, &path).await.status, 404);
}

#[tokio::test]
async fn who_signs_out_is_signed_out() {
    let (server, mut browser, _) = registered().await;
    let page = browser.get(&server, "/logout").await;
    assert!(page.body.contains("<h1>Sign out?</h1>"));
    let answer = browser.submit(&server, "/logout", &[("csrf_token", &csrf_token(&page))]).await;
    let page = browser.get(&server, leads_to(&answer)).await;
    assert!(page.body.contains("<h1>You are signed out</h1>"));
    assert_eq!(leads_to(&browser.get(&server, "/oauth2/apps").await), "/login");
}

/// M1: a session of the default workspace is none in another.
#[tokio::test]
async fn a_session_is_of_one_workspace() {
    let (server, mut browser, _) = registered().await;
    server.create_workspace("acme").await;
    assert_eq!(leads_to(&browser.get(&server, "/acme/oauth2/apps").await), "/acme/login");
    assert_eq!(browser.get(&server, "/oauth2/apps").await.status, 200);
}
