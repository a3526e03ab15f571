//! Workspaces with every grant of RFC 6749, at paths and with spellings of their own.

use serde_json::json;
use url::Url;

use super::site::{Application, Curled, PASSWORD, USERNAME, Vendor};
use super::visitor::Visitor;
use crate::support::jwt::claims;

const CALLBACK: &str = "https://client.example.org/callback";

/// The requests that are printed, as curl sends them: the header is what `Basic` makes of the client.
const EXCHANGE: &str = r#"
curl --request POST --url "$HOST/$WORKSPACE/oauth2/token" \
--header "Authorization: Basic $BASIC" \
--data "grant_type=code&code=$AUTH_CODE"
"#;

const PASSWORD_GRANT: &str = r#"
curl --request POST --url "$HOST/$WORKSPACE/oauth2/token" \
--header 'Content-Type: application/x-www-form-urlencoded' \
--header "Authorization: Basic $BASIC" \
--data 'grant_type=password' --data "username=$LOGIN" --data-urlencode "password=$PASSWORD" --data 'scope=*'
"#;

const CLIENT_CREDENTIALS: &str = r#"
curl --request POST --url "$HOST/$WORKSPACE/oauth/2/token" \
--header 'Content-Type: application/x-www-form-urlencoded' \
--header "Authorization: Basic $BASIC" \
--data 'grant_type=client_credentials'
"#;

const REFRESH: &str = r#"
curl --request POST --url "$HOST/$WORKSPACE/oauth2/token" \
--header 'Content-Type: application/x-www-form-urlencoded' \
--header "Authorization: Basic $BASIC" \
--data "grant_type=refresh_token&refresh_token=$REFRESH_TOKEN"
"#;

/// As it is printed, with a line break where an ampersand belongs.
const REFRESH_AS_PRINTED: &str = r#"
curl --request POST --url "$HOST/$WORKSPACE/oauth2/token" \
--header 'Content-Type: application/x-www-form-urlencoded' \
--header "Authorization: Basic $BASIC" \
--data-binary "grant_type=refresh_token
refresh_token=$REFRESH_TOKEN"
"#;

/// The credential that everybody can read in the description.
const PRINTED_BASIC: &str = "eC1wbS1sb2NhbC1jbGllbnQ6MTc5YWQ0NWM2Y2UyY2I5N2NmMTAyOWUyMTIwNDZlODE=";

const PRESET: &[&str] = &["--preset", "workspace-legacy", "--redirect-uri", CALLBACK, "--scope", "cases:read cases:write"];

fn vendor() -> (Vendor, Application) {
    let vendor = Vendor::start_with(&[]);
    for workspace in ["acme", "globex"] {
        vendor.jeton(&["workspace", "create", workspace]);
        vendor.user(workspace, USERNAME, PASSWORD);
    }
    let application = vendor.client(&[PRESET, &["--workspace", "acme"]].concat());
    (vendor, application)
}

fn basic(application: &Application) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", application.id, application.secret))
}

fn run_in(vendor: &Vendor, workspace: &str, line: &str, application: &Application, more: &[(&str, &str)]) -> Curled {
    vendor.shell(line, &[&[("WORKSPACE", workspace), ("BASIC", &basic(application))], more].concat())
}

fn run(vendor: &Vendor, line: &str, application: &Application, more: &[(&str, &str)]) -> Curled {
    run_in(vendor, "acme", line, application, more)
}

fn by_password(vendor: &Vendor, application: &Application) -> Curled {
    run(vendor, PASSWORD_GRANT, application, &[("LOGIN", USERNAME), ("PASSWORD", PASSWORD)])
}

fn request(vendor: &Vendor, application: &Application, response_type: &str) -> String {
    format!("{}/acme/oauth2/authorize?response_type={response_type}&client_id={}&scope=*", vendor.host(), application.id)
}

/// The whole way in a browser: the code.
async fn code(vendor: &Vendor, application: &Application) -> String {
    let answer = Visitor::of(&vendor.host()).allow(&request(vendor, application, "code")).await;
    answer.parameter("code").unwrap_or_else(|| panic!("no code: {} {} {}", answer.status, answer.url, answer.html))
}

#[tokio::test]
async fn every_workspace_has_its_own_issuer_keys_clients_users_and_tokens() {
    let (vendor, application) = vendor();
    let tokens = by_password(&vendor, &application);
    let access_token = tokens.text("access_token");
    assert_eq!(claims(&access_token)["iss"], format!("{}/acme", vendor.host()));
    let keys = |workspace: &str| vendor.shell("curl \"$HOST/$WORKSPACE/oauth2/jwks\"", &[("WORKSPACE", workspace)]).json;
    assert_ne!(keys("acme")["keys"][0]["kid"], keys("globex")["keys"][0]["kid"]);
    let stranger = vendor.client(&[PRESET, &["--workspace", "globex"]].concat());
    assert_eq!(vendor.introspect("globex", &stranger, &access_token), json!({ "active": false }));
    let refresh_token = [("REFRESH_TOKEN", tokens.text("refresh_token"))];
    let refresh_token = [(refresh_token[0].0, refresh_token[0].1.as_str())];
    assert_eq!(run_in(&vendor, "globex", REFRESH, &stranger, &refresh_token).error(), (400, "invalid_grant"));
    let code = code(&vendor, &application).await;
    assert_eq!(run_in(&vendor, "globex", EXCHANGE, &stranger, &[("AUTH_CODE", &code)]).error(), (400, "invalid_grant"));
    assert_eq!(run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]).status, 200, "it stays good at home");
}

/// Threat E7.
#[test]
fn an_unknown_workspace_looks_like_an_unknown_client() {
    let (vendor, application) = vendor();
    let unknown = Application { secret: "wrong".to_owned(), ..application.clone() };
    let answers = [
        run_in(&vendor, "initech", CLIENT_CREDENTIALS, &application, &[]),
        run_in(&vendor, "globex", CLIENT_CREDENTIALS, &application, &[]),
        run_in(&vendor, "acme", CLIENT_CREDENTIALS, &unknown, &[]),
    ];
    for answer in &answers {
        assert_eq!((answer.error(), &answer.body), ((401, "invalid_client"), &answers[0].body));
    }
}

#[tokio::test]
async fn the_registration_page_is_behind_a_login_and_changes_nothing_on_get() {
    let (vendor, _) = vendor();
    let before = vendor.jeton(&["client", "list", "--workspace", "acme"]);
    let mut visitor = Visitor::of(&vendor.host());
    let sign_in = visitor.open("/acme/oauth2/apps").await;
    let form = sign_in.the_form("password");
    assert!(form.has("username") && sign_in.url.path().starts_with("/acme/"), "{}", sign_in.url);
    let apps = visitor.sign_in(sign_in).await;
    assert_eq!((apps.status, apps.url.path()), (200, "/acme/oauth2/apps"));
    for link in apps.links() {
        visitor.open(link.as_str()).await;
    }
    assert_eq!(vendor.jeton(&["client", "list", "--workspace", "acme"]), before);
    let elsewhere = visitor.open("/globex/oauth2/apps").await;
    assert!(elsewhere.form("password").is_some(), "sessions are per workspace");
}

#[tokio::test]
async fn without_a_redirect_uri_the_one_that_is_registered_counts() {
    let (vendor, application) = vendor();
    let answer = Visitor::of(&vendor.host()).allow(&request(&vendor, &application, "code")).await;
    assert_eq!(answer.url.as_str().split('?').next(), Some(CALLBACK));
    assert_eq!(answer.parameter("iss"), Some(format!("{}/acme", vendor.host())));
    let two = vendor.client(&[PRESET, &["--redirect-uri", "https://two.example.org/callback", "--workspace", "acme"]].concat());
    let refused = Visitor::of(&vendor.host()).open(&request(&vendor, &two, "code")).await;
    assert_eq!((refused.status, refused.url.origin().ascii_serialization()), (400, vendor.host()));
    assert!(refused.words().contains("redirect_uri"), "{}", refused.words());
}

/// Every scope stands on the consent page by itself, and none of them is `*`.
#[tokio::test]
async fn a_wildcard_is_shown_one_by_one_and_frozen() {
    let (vendor, application) = vendor();
    let mut visitor = Visitor::of(&vendor.host());
    let consent = visitor.open_signed_in(&request(&vendor, &application, "code")).await;
    assert!(consent.words().contains("cases:read") && consent.words().contains("cases:write"), "{}", consent.words());
    assert!(!consent.words().contains('*'), "{}", consent.words());
    let code = visitor.decide(&consent, "allow").await.parameter("code").unwrap();
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]);
    assert_eq!(tokens.text("scope"), "cases:read cases:write");
    vendor.jeton(&["client", "update", &application.id, "--workspace", "acme", "--scope", "cases:read cases:write cases:delete"]);
    let refreshed = run(&vendor, REFRESH, &application, &[("REFRESH_TOKEN", &tokens.text("refresh_token"))]);
    assert_eq!(refreshed.text("scope"), "cases:read cases:write");
}

#[tokio::test]
async fn a_code_is_redeemed_with_basic_and_grant_type_code() {
    let (vendor, application) = vendor();
    let code = code(&vendor, &application).await;
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]);
    assert_eq!((tokens.text("token_type").as_str(), tokens.text("scope").as_str()), ("Bearer", "cases:read cases:write"));
    assert_eq!(claims(&tokens.text("access_token"))["sub"], USERNAME);
    assert_eq!(run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &code)]).error(), (400, "invalid_grant"));
}

/// RFC 6749 section 4.2.2: in the fragment, and without a refresh token.
#[tokio::test]
async fn an_implicit_request_is_answered_in_the_fragment() {
    let (vendor, application) = vendor();
    let answer = Visitor::of(&vendor.host()).allow(&request(&vendor, &application, "token")).await;
    assert_eq!((answer.url.query(), answer.url.as_str().split('#').next()), (None, Some(CALLBACK)));
    let fragment = answer.url.fragment().unwrap_or_else(|| panic!("no fragment: {}", answer.html));
    let pairs = Url::parse(&format!("x:?{fragment}")).unwrap();
    let pairs: std::collections::BTreeMap<_, _> = pairs.query_pairs().into_owned().collect();
    assert_eq!((pairs["token_type"].as_str(), pairs["scope"].as_str()), ("Bearer", "cases:read cases:write"));
    assert!(pairs["expires_in"].parse::<u32>().unwrap() <= 600);
    assert!(!pairs.contains_key("refresh_token") && !pairs.contains_key("code"), "{:?}", pairs.keys());
    assert_eq!(vendor.introspect("acme", &application, &pairs["access_token"])["active"], json!(true));
}

#[test]
fn a_password_is_exchanged_with_basic_and_a_wildcard() {
    let (vendor, application) = vendor();
    let tokens = by_password(&vendor, &application);
    assert_eq!(tokens.text("scope"), "cases:read cases:write");
    assert_eq!(claims(&tokens.text("access_token"))["sub"], USERNAME);
    let wrong = [("LOGIN", USERNAME), ("PASSWORD", "wrong")];
    let unknown = [("LOGIN", "nobody"), ("PASSWORD", PASSWORD)];
    let refused = run(&vendor, PASSWORD_GRANT, &application, &wrong);
    assert_eq!(refused.error(), (400, "invalid_grant"));
    assert_eq!(run(&vendor, PASSWORD_GRANT, &application, &unknown).body, refused.body, "who exists stays unknown");
    assert!(!vendor.server.log().contains(PASSWORD));
}

#[test]
fn client_credentials_are_served_at_the_other_path() {
    let (vendor, application) = vendor();
    let tokens = run(&vendor, CLIENT_CREDENTIALS, &application, &[]);
    assert_eq!((tokens.redirects, tokens.text("token_type").as_str()), (0, "Bearer"));
    assert_eq!(claims(&tokens.text("access_token"))["sub"], application.id);
    // RFC 8414: the metadata names the canonical path alone.
    let metadata = vendor.shell("curl \"$HOST/acme/.well-known/oauth-authorization-server\"", &[]);
    assert_eq!(metadata.json["token_endpoint"], format!("{}/acme/oauth2/token", vendor.host()));
}

#[test]
fn a_refresh_may_ask_for_the_same_scope_or_less() {
    let (vendor, application) = vendor();
    let refresh_token = by_password(&vendor, &application).text("refresh_token");
    let narrower = REFRESH.replace("refresh_token=$REFRESH_TOKEN", "refresh_token=$REFRESH_TOKEN&scope=cases:read");
    let answer = run(&vendor, &narrower, &application, &[("REFRESH_TOKEN", &refresh_token)]);
    assert_eq!(answer.text("scope"), "cases:read");
    let next = answer.json["refresh_token"].as_str().unwrap_or(&refresh_token).to_owned();
    let wider = narrower.replace("scope=cases:read", "scope=cases:delete");
    assert_eq!(run(&vendor, &wider, &application, &[("REFRESH_TOKEN", &next)]).error(), (400, "invalid_scope"));
    assert_eq!(run(&vendor, REFRESH, &application, &[("REFRESH_TOKEN", &next)]).text("scope"), "cases:read cases:write");
}

/// The refresh token becomes part of `grant_type`, which must stand nowhere afterwards.
#[test]
fn the_printed_refresh_without_its_ampersand_is_refused_and_repeated_nowhere() {
    let (vendor, application) = vendor();
    let refresh_token = by_password(&vendor, &application).text("refresh_token");
    let refused = run(&vendor, REFRESH_AS_PRINTED, &application, &[("REFRESH_TOKEN", &refresh_token)]);
    assert_eq!(refused.error(), (400, "unsupported_grant_type"));
    let metrics = vendor.shell("curl \"$OPS\"", &[("OPS", &vendor.server.ops("/metrics"))]).body;
    assert!(metrics.contains("jeton_requests_total"));
    for (place, text) in [("answer", &refused.body), ("log", &vendor.server.log()), ("metrics", &metrics)] {
        assert!(!text.contains(&refresh_token) && !text.contains("jrt_"), "the {place} repeats the token");
    }
    assert_eq!(run(&vendor, REFRESH, &application, &[("REFRESH_TOKEN", &refresh_token)]).status, 200, "it is still good");
}

/// Not even a development server knows it.
#[test]
fn the_printed_credential_is_no_default_client() {
    let vendor = Vendor::start_with(&["--dev"]);
    vendor.jeton(&["workspace", "create", "acme"]);
    let variables = [("WORKSPACE", "acme"), ("BASIC", PRINTED_BASIC)];
    let canonical = CLIENT_CREDENTIALS.replace("/oauth/2/", "/oauth2/");
    // The seeded clients are those of the default workspace, which is served at the root.
    let lines = [CLIENT_CREDENTIALS, &canonical].map(|line| [line.to_owned(), line.replace("/$WORKSPACE", "")]);
    for line in lines.concat() {
        assert_eq!(vendor.shell(&line, &variables).error(), (401, "invalid_client"), "{line}");
    }
}
