//! One host, first product: `code` in the query, a page that shows it, refresh tokens that stay the same.

use serde_json::json;
use url::Url;

use super::html::Form;
use super::site::{Application, Curled, PASSWORD, USERNAME, Vendor, pastes_as_it_stands};
use super::visitor::{Seen, Visitor};
use crate::browser::application::Application as Api;

/// What the vendor prints; its host stands for ours.
const PRINTED_HOST: &str = "https://app.clayton.io";

pub const EXCHANGE: &str = r#"
curl --request POST \
--url "https://app.clayton.io/oauth2/token?code=$AUTH_CODE" \
--header 'Content-Type: application/x-www-form-urlencoded' \
--data "client_id=$CLIENT_ID" \
--data "client_secret=$CLIENT_SECRET" \
--data 'grant_type=authorization_code' \
--data 'scope=workspace' \
--data 'redirect_uri=https://app.clayton.io/authorized'
"#;

const REFRESH: &str = r#"
curl --request POST \
--url "https://app.clayton.io/oauth2/token" \
--header "content-type: application/x-www-form-urlencoded" \
--data grant_type=refresh_token \
--data "client_id=$CLIENT_ID" \
--data "client_secret=$CLIENT_SECRET" \
--data "refresh_token=$REFRESH_TOKEN"
"#;

const CALL_API: &str = r#"
curl --request GET \
--url "https://app.clayton.io/api/workspaces" \
--header "accept: application/json" \
--header "content-type: application/json" \
--header "authorization: Bearer $ACCESS_TOKEN"
"#;

/// Runs a printed line with our host in place of the vendor's.
pub fn run(vendor: &Vendor, line: &str, application: &Application, more: &[(&str, &str)]) -> Curled {
    vendor.shell(&line.replace(PRINTED_HOST, &vendor.host()), &[&application.variables()[..], more].concat())
}

/// A command-line application as the operator creates it.
pub fn cli_application(vendor: &Vendor) -> Application {
    let code_page = format!("{}/authorized", vendor.host());
    let scopes = ["--scope", "workspace billing", "--default-scope", "workspace"];
    vendor.client(&[&["--preset", "code-in-query", "--native", "--redirect-uri", &code_page], &scopes[..]].concat())
}

/// An authorization request, as the page of an application offers it.
pub fn consent_url(vendor: &Vendor, application: &Application) -> String {
    let pairs = [
        ("response_type", "code"),
        ("client_id", &application.id),
        ("redirect_uri", &format!("{}/authorized", vendor.host())),
        ("scope", "workspace"),
    ];
    Url::parse_with_params(&format!("{}/oauth2/authorize", vendor.host()), pairs).unwrap().into()
}

/// Goes through sign-in and consent, and reads the code from the page.
async fn copied_code(vendor: &Vendor, application: &Application) -> String {
    let seen = Visitor::of(&vendor.host()).allow(&consent_url(vendor, application)).await;
    seen.word("jac_").unwrap_or_else(|| panic!("no code on {}: {}", seen.url, seen.words()))
}

/// The tokens of a copied code.
async fn exchanged(vendor: &Vendor, application: &Application) -> Curled {
    let code = copied_code(vendor, application).await;
    run(vendor, EXCHANGE, application, &[("AUTH_CODE", &code)])
}

/// The page that has the registration form, wherever it stands.
async fn registration(visitor: &mut Visitor) -> (Seen, Form) {
    let apps = visitor.open_signed_in("/oauth2/apps").await;
    if let Some(form) = apps.form("redirect_uris") {
        return (apps, form);
    }
    for link in apps.links() {
        let seen = visitor.open(link.as_str()).await;
        if let Some(form) = seen.form("redirect_uris") {
            return (seen, form);
        }
    }
    panic!("no registration form behind {}: {}", apps.url, apps.html);
}

/// Registers on the page: what was shown then, and the application.
async fn register(visitor: &mut Visitor, changes: &[(&str, &str)]) -> (Seen, Application) {
    let (page, form) = registration(visitor).await;
    let chosen = [&[("name", "My CLI Script"), ("scope", "workspace")], changes].concat();
    let shown = visitor.send(&page, &form, &chosen).await;
    let secret = shown.word("jcs_").unwrap_or_else(|| panic!("no secret on {}: {}", shown.url, shown.html));
    let id = shown.word("jc_").unwrap_or_else(|| panic!("no id on {}: {}", shown.url, shown.html));
    (shown, Application { id, secret })
}

#[tokio::test]
async fn the_registration_page_takes_several_redirect_uris_and_shows_the_secret_once() {
    let vendor = Vendor::start();
    vendor.describe_scope("workspace", "Read and change your workspace").await;
    let mut visitor = Visitor::of(&vendor.host());
    let (_, form) = registration(&mut visitor).await;
    for name in ["name", "redirect_uris", "scope", "native", "csrf_token"] {
        assert!(form.has(name), "no {name} in {form:?}");
    }
    assert_eq!(form.method.to_ascii_lowercase(), "post");
    let uris = "https://one.example.org/cb\r\nhttps://two.example.org/cb";
    let (shown, application) = register(&mut visitor, &[("redirect_uris", uris), ("native", "on")]).await;
    assert_eq!(shown.header("cache-control"), "no-store");
    let listed = vendor.jeton(&["client", "get", &application.id]);
    let code_page = format!("{}/authorized", vendor.host());
    assert_eq!(listed["redirect_uris"], json!(["https://one.example.org/cb", "https://two.example.org/cb", code_page]));
    for page in ["/oauth2/apps".to_owned(), format!("/oauth2/apps/{}", application.id)] {
        let seen = visitor.open(&page).await;
        assert_eq!(seen.status, 200, "{page}");
        assert!(!seen.html.contains(&application.secret), "{page} shows the secret again");
    }
}

#[tokio::test]
async fn editing_the_application_shows_its_ready_made_consent_url() {
    let vendor = Vendor::start();
    vendor.describe_scope("workspace", "Read and change your workspace").await;
    let mut visitor = Visitor::of(&vendor.host());
    let (_, application) = register(&mut visitor, &[("redirect_uris", "https://one.example.org/cb"), ("native", "on")]).await;
    let editing = visitor.open(&format!("/oauth2/apps/{}", application.id)).await;
    let url = editing.word(&format!("{}/oauth2/authorize?", vendor.host()));
    let url = Url::parse(&url.unwrap_or_else(|| panic!("no consent URL: {}", editing.html))).unwrap();
    let parameter = |name: &str| url.query_pairs().find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned());
    assert_eq!(parameter("client_id"), Some(application.id.clone()));
    assert_eq!(parameter("redirect_uri"), Some(format!("{}/authorized", vendor.host())));
    assert_eq!((parameter("state"), parameter("code_challenge")), (None, None));
    let shown = visitor.allow(url.as_str()).await;
    let code = shown.word("jac_").unwrap_or_else(|| panic!("no code: {}", shown.html));
    // A person cannot weaken what an operator answers for, so the refusal names the operator's command.
    let refused = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]);
    assert_eq!(refused.error(), (400, "invalid_request"));
    assert!(refused.body.contains("code_in_query") && refused.body.contains("jeton policy enable"), "{}", refused.body);
    vendor.jeton(&["policy", "preset", &application.id, "code-in-query"]);
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]);
    assert_eq!(tokens.text("scope"), "workspace", "the refusal did not use the code up");
}

/// Without PKCE, whoever reads the code over a person's shoulder could use it, unless a secret is needed too.
/// With the preset for its workspace's applications, what a person registers works as printed from the start.
#[tokio::test]
async fn an_application_of_the_page_works_as_printed() {
    let vendor = Vendor::start();
    vendor.describe_scope("workspace", "Read and change your workspace").await;
    vendor.jeton(&["workspace", "update", "default", "--application-preset", "code-in-query"]);
    let mut visitor = Visitor::of(&vendor.host());
    let (_, application) = register(&mut visitor, &[("redirect_uris", ""), ("native", "on")]).await;
    let shown = visitor.allow(&consent_url(&vendor, &application)).await;
    let code = shown.word("jac_").unwrap_or_else(|| panic!("no code: {}", shown.html));
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]);
    assert_eq!((tokens.text("scope").as_str(), tokens.text("token_type").as_str()), ("workspace", "Bearer"));
    let refresh_token = tokens.text("refresh_token");
    for _ in 0..3 {
        let refreshed = run(&vendor, REFRESH, &application, &[("REFRESH_TOKEN", &refresh_token)]);
        assert!(!refreshed.text("access_token").is_empty(), "{}", refreshed.body);
    }
}

#[tokio::test]
async fn a_request_without_pkce_is_for_clients_with_a_secret() {
    let vendor = Vendor::start();
    let code_page = format!("{}/authorized", vendor.host());
    let public =
        ["client", "create", "--name", "p", "--public", "--native", "--redirect-uri", &code_page, "--scope", "workspace"];
    let outcome = vendor.try_jeton(&[&public[..], &["--preset", "code-in-query"]].concat());
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("clients with a secret"), "{}", outcome.stderr);
    assert_eq!(vendor.jeton(&["client", "list"]), json!([]), "a refused command leaves nothing");
    let client = vendor.jeton(&public);
    let application = Application { id: client["client_id"].as_str().unwrap().to_owned(), secret: String::new() };
    let refused = Visitor::of(&vendor.host()).open(&consent_url(&vendor, &application)).await;
    // RFC 7636 section 4.4.1: on our own page or at the client, but never a sign-in.
    assert!(refused.form("password").is_none());
    assert!(refused.words().contains("code_challenge") || refused.url.as_str().contains("invalid_request"), "{}", refused.html);
}

#[tokio::test]
async fn after_consent_the_browser_lands_on_our_own_page_that_shows_the_code() {
    let vendor = Vendor::start();
    vendor.describe_scope("workspace", "Read and change your workspace").await;
    let application = cli_application(&vendor);
    let mut visitor = Visitor::of(&vendor.host());
    let shown = visitor.allow(&consent_url(&vendor, &application)).await;
    assert_eq!((shown.status, shown.url.path()), (200, "/authorized"));
    let code = shown.word("jac_").unwrap_or_else(|| panic!("no code: {}", shown.html));
    assert!(!shown.url.as_str().contains(&code) && !shown.title().contains(&code));
    assert!(shown.words().contains("My CLI Script"), "{}", shown.words());
    assert!(shown.words().contains("Read and change your workspace"), "{}", shown.words());
    assert_eq!((shown.header("cache-control"), shown.header("referrer-policy")), ("no-store", "no-referrer"));
    assert_eq!(shown.header("x-frame-options"), "DENY");
    let policy = shown.header("content-security-policy");
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!vendor.server.log().contains(&code));
    // Never by itself: the person is asked each time, though they allowed it just now.
    let again = visitor.open(&consent_url(&vendor, &application)).await;
    assert!(again.form("decision").is_some(), "{} {}", again.url, again.words());
}

#[tokio::test]
async fn the_code_stands_in_the_query_and_the_redirect_uri_is_raw() {
    let vendor = Vendor::start();
    let application = cli_application(&vendor);
    let tokens = exchanged(&vendor, &application).await;
    assert_eq!((tokens.status, tokens.text("scope").as_str()), (200, "workspace"));
    let code = copied_code(&vendor, &application).await;
    // RFC 6749 section 3.2: everything else stays in the body.
    let both = EXCHANGE.replace("--data 'scope=workspace'", "--data \"code=$AUTH_CODE\"");
    assert_eq!(run(&vendor, &both, &application, &[("AUTH_CODE", &code)]).error(), (400, "invalid_request"));
    let secret = EXCHANGE.replace("?code=", "?client_secret=$CLIENT_SECRET&code=");
    assert_eq!(run(&vendor, &secret, &application, &[("AUTH_CODE", &code)]).error(), (400, "invalid_request"));
    let twice = EXCHANGE.replace("?code=", "?code=$AUTH_CODE&code=");
    assert_eq!(run(&vendor, &twice, &application, &[("AUTH_CODE", &code)]).error(), (400, "invalid_request"));
    assert!(run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]).status == 200, "none of these used the code up");
    let log = vendor.server.log();
    assert!(!log.contains(&code) && !log.contains(&application.secret) && !log.contains("code="), "{log}");
}

#[tokio::test]
async fn an_extra_scope_may_be_equal_or_narrower_but_not_wider() {
    let vendor = Vendor::start();
    let application = cli_application(&vendor);
    let wider = EXCHANGE.replace("scope=workspace", "scope=workspace billing");
    let code = copied_code(&vendor, &application).await;
    assert_eq!(run(&vendor, &wider, &application, &[("AUTH_CODE", &code)]).error(), (400, "invalid_scope"));
    let none = EXCHANGE.replace("--data 'scope=workspace' \\\n", "");
    let tokens = run(&vendor, &none, &application, &[("AUTH_CODE", &code)]);
    assert_eq!(tokens.text("scope"), "workspace", "a refused scope uses no code up");
    let both = consent_url(&vendor, &application).replace("scope=workspace", "scope=workspace+billing");
    let shown = Visitor::of(&vendor.host()).allow(&both).await;
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &shown.word("jac_").unwrap())]);
    assert_eq!(tokens.text("scope"), "workspace", "narrower than what was allowed");
}

#[tokio::test]
async fn the_answer_has_exactly_the_members_that_are_printed() {
    let vendor = Vendor::start();
    let application = cli_application(&vendor);
    let tokens = exchanged(&vendor, &application).await;
    assert_eq!(tokens.members(), ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
    assert_eq!(tokens.text("token_type"), "Bearer");
    // Whole seconds of a life of 5400, less what has already gone.
    assert!([5399, 5400].contains(&tokens.json["expires_in"].as_u64().unwrap()), "{}", tokens.body);
}

/// Lifetimes are per client.
#[tokio::test]
async fn another_client_may_have_another_lifetime() {
    let vendor = Vendor::start();
    let code_page = format!("{}/authorized", vendor.host());
    let arguments = ["--preset", "code-in-query", "--native", "--redirect-uri", &code_page, "--scope", "workspace"];
    let application = vendor.client(&[&arguments[..], &["--access-token-lifetime", "600"]].concat());
    let tokens = exchanged(&vendor, &application).await;
    assert!([599, 600].contains(&tokens.json["expires_in"].as_u64().unwrap()), "{}", tokens.body);
}

#[tokio::test]
async fn the_same_refresh_token_is_used_again_and_again() {
    let vendor = Vendor::start();
    let application = cli_application(&vendor);
    let tokens = exchanged(&vendor, &application).await;
    let refresh_token = tokens.text("refresh_token");
    let mut seen = vec![tokens.text("access_token")];
    for _ in 0..5 {
        let refreshed = run(&vendor, REFRESH, &application, &[("REFRESH_TOKEN", &refresh_token)]);
        assert_eq!(refreshed.text("scope"), "workspace");
        assert_eq!(refreshed.json.get("refresh_token"), None, "it stays the same");
        assert!(!seen.contains(&refreshed.text("access_token")));
        seen.push(refreshed.text("access_token"));
    }
    let stolen = Application { secret: format!("{}x", application.secret), ..application };
    assert_eq!(run(&vendor, REFRESH, &stolen, &[("REFRESH_TOKEN", &refresh_token)]).error(), (401, "invalid_client"));
}

/// The token is sent to the API as printed, and good there.
#[tokio::test(flavor = "multi_thread")]
async fn the_access_token_is_sent_to_the_api_as_printed() {
    let vendor = Vendor::start();
    let application = cli_application(&vendor);
    let token = exchanged(&vendor, &application).await.text("access_token");
    let api = Api::start().await;
    let line = CALL_API.replace(PRINTED_HOST, api.url("").trim_end_matches('/'));
    assert_eq!(vendor.shell(&line, &[("ACCESS_TOKEN", &token)]).status, 200);
    let received = api.received("/api/workspaces").remove(0);
    let sent = received.header("authorization").strip_prefix("Bearer ").unwrap().to_owned();
    let answer = vendor.introspect("", &application, &sent);
    assert_eq!((&answer["active"], &answer["scope"], &answer["sub"]), (&json!(true), &json!("workspace"), &json!(USERNAME)));
}

#[tokio::test]
async fn generated_values_are_pasted_as_they_stand() {
    let vendor = Vendor::start();
    let application = cli_application(&vendor);
    let code = copied_code(&vendor, &application).await;
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]);
    let values = [application.id.clone(), application.secret.clone(), code, tokens.text("refresh_token")];
    for (index, value) in values.iter().enumerate() {
        assert!(pastes_as_it_stands(value), "value {index} has characters of a shell or a URL");
    }
    // A JWT has two dots, which neither a shell nor a URL takes for anything else (RFC 7519 section 3).
    assert!(pastes_as_it_stands(&tokens.text("access_token").replace('.', "")));
    assert!(!vendor.server.log().contains(PASSWORD));
}
