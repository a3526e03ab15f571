//! The plain code flow of a web application: state, scopes with colons, a refresh token for who wants one.

use url::Url;

use super::html::words;
use super::site::{Application, Curled, Vendor};
use super::visitor::Visitor;

const CALLBACK: &str = "https://client.example.org/callback";

/// The description prints no line, so this is what it says in words: a request from server to server
/// with the client's id and its secret.
const EXCHANGE: &str = r#"
curl --request POST --url "$HOST/oauth2/token" --user "$CLIENT_ID:$CLIENT_SECRET" \
--data 'grant_type=authorization_code' --data "code=$AUTH_CODE" \
--data-urlencode 'redirect_uri=https://client.example.org/callback'
"#;

const REFRESH: &str = r#"
curl --request POST --url "$HOST/oauth2/token" --user "$CLIENT_ID:$CLIENT_SECRET" \
--data 'grant_type=refresh_token' --data "refresh_token=$REFRESH_TOKEN"
"#;

async fn vendor() -> Vendor {
    let vendor = Vendor::start();
    vendor.describe_scope("read:analysis", "Read the results of your analyses").await;
    vendor.describe_scope("write:project", "Change your projects").await;
    vendor
}

fn web(vendor: &Vendor, more: &[&str]) -> Application {
    let scopes = ["--scope", "read:analysis write:project", "--default-scope", "read:analysis"];
    vendor.client(&[&["--preset", "standard", "--redirect-uri", CALLBACK], &scopes[..], more].concat())
}

fn request(vendor: &Vendor, application: &Application, changes: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", &application.id),
        ("redirect_uri", CALLBACK),
        ("scope", "read:analysis write:project"),
        ("state", "a state & more"),
    ];
    let changed = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
    let pairs = good.iter().map(|(name, value)| (*name, changed(name).unwrap_or(value))).filter(|(_, value)| !value.is_empty());
    Url::parse_with_params(&format!("{}/oauth2/authorize", vendor.host()), pairs).unwrap().into()
}

/// The whole way: the tokens.
async fn tokens(vendor: &Vendor, application: &Application, changes: &[(&str, &str)]) -> Curled {
    let answer = Visitor::of(&vendor.host()).allow(&request(vendor, application, changes)).await;
    let code = answer.parameter("code").unwrap_or_else(|| panic!("no code: {} {}", answer.status, answer.html));
    vendor.shell(EXCHANGE, &[&application.variables()[..], &[("AUTH_CODE", &code)]].concat())
}

#[tokio::test]
async fn the_redirect_has_the_code_the_same_state_and_the_issuer() {
    let vendor = vendor().await;
    let application = web(&vendor, &[]);
    let mut visitor = Visitor::of(&vendor.host());
    let sign_in = visitor.open(&request(&vendor, &application, &[])).await;
    assert!(sign_in.form("password").is_some(), "signing in comes first: {} {}", sign_in.url, sign_in.words());
    let consent = visitor.sign_in(sign_in).await;
    let answer = visitor.decide(&consent, "allow").await;
    assert_eq!(answer.url.as_str().split('?').next(), Some(CALLBACK));
    assert_eq!(answer.parameter("state").as_deref(), Some("a state & more"));
    // RFC 9207.
    assert_eq!(answer.parameter("iss"), Some(vendor.host()));
    let code = answer.parameter("code").unwrap();
    let tokens = vendor.shell(EXCHANGE, &[&application.variables()[..], &[("AUTH_CODE", &code)]].concat());
    assert_eq!(tokens.text("scope"), "read:analysis write:project");
    // Who is signed in is not asked for the password again, and may say no.
    let mut again = visitor.open(&request(&vendor, &application, &[("state", "second")])).await;
    if again.form("decision").is_some() {
        again = visitor.decide(&again, "deny").await;
        assert_eq!(again.parameter("error").as_deref(), Some("access_denied"));
    }
    assert_eq!(again.parameter("state").as_deref(), Some("second"));
}

#[tokio::test]
async fn scopes_with_a_colon_are_described_on_the_consent_page() {
    let vendor = vendor().await;
    let application = web(&vendor, &[]);
    let consent = Visitor::of(&vendor.host()).open_signed_in(&request(&vendor, &application, &[])).await;
    let read = words(&consent.html);
    assert!(read.contains("Read the results of your analyses") && read.contains("Change your projects"), "{read}");
    assert!(read.contains("My CLI Script") && read.contains("client.example.org"), "{read}");
}

#[tokio::test]
async fn without_a_scope_the_client_gets_its_minimal_default() {
    let vendor = vendor().await;
    let application = web(&vendor, &[]);
    let consent = Visitor::of(&vendor.host()).open_signed_in(&request(&vendor, &application, &[("scope", "")])).await;
    assert!(!consent.words().contains("Change your projects"), "{}", consent.words());
    assert_eq!(tokens(&vendor, &application, &[("scope", "")]).await.text("scope"), "read:analysis");
}

#[tokio::test]
async fn a_refresh_token_is_for_clients_that_have_the_grant() {
    let vendor = vendor().await;
    let with = web(&vendor, &["--grant-type", "authorization_code", "refresh_token"]);
    let answer = tokens(&vendor, &with, &[]).await;
    let variables = [("REFRESH_TOKEN", answer.text("refresh_token"))].map(|(name, value)| (name, value));
    let refreshed = vendor.shell(REFRESH, &[&with.variables()[..], &[(variables[0].0, &variables[0].1)]].concat());
    assert_ne!(refreshed.text("refresh_token"), answer.text("refresh_token"), "this preset rotates");
    let without = web(&vendor, &["--grant-type", "authorization_code"]);
    assert_eq!(tokens(&vendor, &without, &[]).await.json.get("refresh_token"), None);
}

#[tokio::test]
async fn an_application_is_registered_in_the_dashboard_with_redirect_uris_and_scopes() {
    let vendor = vendor().await;
    let mut visitor = Visitor::of(&vendor.host());
    let apps = visitor.open("/oauth2/apps").await;
    assert!(apps.form("password").is_some(), "the dashboard is behind a sign-in: {}", apps.words());
    let apps = visitor.sign_in(apps).await;
    let mut pages = vec![apps.clone()];
    for link in apps.links() {
        pages.push(visitor.open(link.as_str()).await);
    }
    let page = pages.into_iter().find(|page| page.form("redirect_uris").is_some()).expect("a registration form");
    let form = page.the_form("redirect_uris");
    let chosen = [("name", "Dashboards"), ("redirect_uris", CALLBACK), ("scope", "read:analysis"), ("scope", "write:project")];
    let shown = visitor.send(&page, &form, &chosen).await;
    let id = shown.word("jc_").unwrap_or_else(|| panic!("no id: {}", shown.html));
    let client = vendor.jeton(&["client", "get", &id]);
    assert_eq!(
        (client["scope"].as_str(), client["redirect_uris"][0].as_str()),
        (Some("read:analysis write:project"), Some(CALLBACK))
    );
}

#[test]
fn redirect_uris_are_https_except_on_loopback() {
    let vendor = Vendor::start_with(&[]);
    let create = |uri: &str| {
        let arguments =
            ["client", "create", "--name", "n", "--preset", "standard", "--scope", "read:analysis", "--redirect-uri", uri];
        vendor.try_jeton(&arguments).code
    };
    assert_eq!(create("https://client.example.org/callback"), Some(0));
    assert_eq!(create("http://127.0.0.1:3000/callback"), Some(0));
    assert_ne!(create("http://client.example.org/callback"), Some(0));
}
