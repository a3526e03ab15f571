//! One host, second product: the same endpoints under another name.

use super::clayton::{EXCHANGE, consent_url, run};
use super::site::{Application, Vendor};
use super::visitor::Visitor;

/// As printed for the second product: the refresh line differs in its quotes.
const REFRESH: &str = r#"
curl --request POST \
--url "https://app.clayton.io/oauth2/token" \
--header "content-type: application/x-www-form-urlencoded" \
--data "grant_type=refresh_token" \
--data "client_id=$CLIENT_ID" \
--data "client_secret=$CLIENT_SECRET" \
--data "refresh_token=$REFRESH_TOKEN"
"#;

fn product(vendor: &Vendor, name: &str) -> Application {
    let code_page = format!("{}/authorized", vendor.host());
    let how = ["--preset", "code-in-query", "--native", "--redirect-uri", &code_page, "--scope", "workspace"];
    let client = vendor.jeton(&[&["client", "create", "--name", name], &how[..]].concat());
    let text = |member: &str| client[member].as_str().unwrap().to_owned();
    Application { id: text("client_id"), secret: text("client_secret") }
}

#[tokio::test]
async fn the_printed_lines_of_the_second_product_work() {
    let vendor = Vendor::start();
    let application = product(&vendor, "Code Reviews");
    let shown = Visitor::of(&vendor.host()).allow(&consent_url(&vendor, &application)).await;
    let tokens = run(&vendor, EXCHANGE, &application, &[("AUTH_CODE", &shown.word("jac_").unwrap())]);
    let refresh_token = tokens.text("refresh_token");
    for _ in 0..2 {
        let refreshed = run(&vendor, REFRESH, &application, &[("REFRESH_TOKEN", &refresh_token)]);
        assert_eq!((refreshed.text("token_type").as_str(), refreshed.json.get("refresh_token")), ("Bearer", None));
    }
}

#[tokio::test]
async fn the_consent_page_brands_by_client() {
    let vendor = Vendor::start();
    let mut visitor = Visitor::of(&vendor.host());
    let names = ["Clayton", "Code Reviews"];
    for (name, other) in [(names[0], names[1]), (names[1], names[0])] {
        let application = product(&vendor, name);
        let color = if name == "Clayton" { "#123456" } else { "#654321" };
        let logo = format!("https://static.example.org/{}.png", color.trim_start_matches('#'));
        vendor.jeton(&["client", "update", &application.id, "--brand-color", color, "--logo-uri", &logo]);
        let consent = visitor.open_signed_in(&consent_url(&vendor, &application)).await;
        assert!(consent.form("decision").is_some(), "{} {}", consent.url, consent.words());
        assert!(consent.words().contains(name) && !consent.words().contains(other), "{}", consent.words());
        assert!(consent.html.contains(&logo), "{}", consent.html);
    }
}
