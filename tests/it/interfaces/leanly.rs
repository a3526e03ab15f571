//! Machines with refresh tokens: `/token` at the root, and a refresh with nothing but the token.

use serde_json::json;

use super::site::{Application, Curled, Vendor};
use crate::support::jwt::{claims, part};

/// What the vendor prints, host and credentials to be replaced.
const TOKEN: &str = r#"
curl --location 'https://oauth.leanly.cloud/token' \
--header 'Content-Type: application/x-www-form-urlencoded' \
--data-urlencode 'grant_type=client_credentials' \
--data-urlencode 'client_id=CLIENT_ID' \
--data-urlencode 'client_secret=CLIENT_SECRET'
"#;

const REFRESH: &str = r#"
curl --location 'https://oauth.leanly.cloud/token' \
--header 'Content-Type: application/x-www-form-urlencoded' \
--data-urlencode 'grant_type=refresh_token' \
--data-urlencode 'refresh_token=REFRESH_TOKEN'
"#;

const API: &str = "https://graphql.leanly.cloud";

fn vendor() -> (Vendor, Application) {
    let vendor = Vendor::start_with(&[]);
    let scopes = ["--scope", "graphql:read graphql:write", "--default-scope", "graphql:read"];
    let application = vendor.client(&[&["--preset", "m2m-refresh", "--audience", API], &scopes[..]].concat());
    (vendor, application)
}

fn run(vendor: &Vendor, line: &str, values: &[(&str, &str)]) -> Curled {
    let line = line.replace("https://oauth.leanly.cloud", &vendor.host());
    // The parameters' names are in small letters, so only the placeholders are replaced.
    vendor.shell(&values.iter().fold(line, |line, (placeholder, value)| line.replace(placeholder, value)), &[])
}

fn token(vendor: &Vendor, application: &Application) -> Curled {
    run(vendor, TOKEN, &[("CLIENT_ID", &application.id), ("CLIENT_SECRET", &application.secret)])
}

fn refresh(vendor: &Vendor, refresh_token: &str) -> Curled {
    run(vendor, REFRESH, &[("REFRESH_TOKEN", refresh_token)])
}

#[test]
fn a_post_at_the_root_is_answered_and_never_redirected() {
    let (vendor, application) = vendor();
    let tokens = token(&vendor, &application);
    assert_eq!((tokens.status, tokens.redirects), (200, 0), "{}", tokens.body);
    let refreshed = refresh(&vendor, &tokens.text("refresh_token"));
    assert_eq!((refreshed.status, refreshed.redirects), (200, 0), "{}", refreshed.body);
    // An error is one at this path too, and no redirect to the other.
    let wrong = Application { secret: "wrong".to_owned(), ..application };
    assert_eq!((token(&vendor, &wrong).error(), token(&vendor, &wrong).redirects), ((401, "invalid_client"), 0));
}

#[test]
fn without_a_scope_the_client_gets_its_default_scopes() {
    let (vendor, application) = vendor();
    assert_eq!(claims(&token(&vendor, &application).text("access_token"))["scope"], "graphql:read");
    let asked =
        TOKEN.replace("client_secret=CLIENT_SECRET'", "client_secret=CLIENT_SECRET' --data-urlencode 'scope=graphql:write'");
    let tokens = run(&vendor, &asked, &[("CLIENT_ID", &application.id), ("CLIENT_SECRET", &application.secret)]);
    assert_eq!(claims(&tokens.text("access_token"))["scope"], "graphql:write");
}

#[test]
fn the_answer_has_the_members_that_are_printed() {
    let (vendor, application) = vendor();
    let tokens = token(&vendor, &application);
    for member in ["access_token", "refresh_token", "token_type", "expires_in"] {
        assert!(tokens.members().contains(&member), "no {member} in {}", tokens.body);
    }
    assert_eq!((&tokens.json["token_type"], &tokens.json["expires_in"]), (&json!("Bearer"), &json!(3600)));
}

#[test]
fn a_refresh_needs_only_the_token_and_answers_no_other_one() {
    let (vendor, application) = vendor();
    let refresh_token = token(&vendor, &application).text("refresh_token");
    for _ in 0..2 {
        let refreshed = refresh(&vendor, &refresh_token);
        assert_eq!(refreshed.json.get("refresh_token"), None, "{}", refreshed.body);
        assert_eq!((&refreshed.json["token_type"], &refreshed.json["expires_in"]), (&json!("Bearer"), &json!(3600)));
        assert_eq!(vendor.introspect("", &application, &refreshed.text("access_token"))["active"], json!(true));
    }
    vendor.jeton(&["client", "disable", &application.id]);
    let (status, _) = refresh(&vendor, &refresh_token).error();
    assert!([400, 401].contains(&status), "a disabled client's token refreshes nothing");
}

/// RFC 9068 section 4: the API on another host finds itself in `aud`.
#[test]
fn the_token_is_for_the_api_on_the_other_host() {
    let (vendor, application) = vendor();
    let tokens = token(&vendor, &application);
    let refreshed = refresh(&vendor, &tokens.text("refresh_token"));
    for answer in [&tokens, &refreshed] {
        let access_token = answer.text("access_token");
        assert_eq!(part(&access_token, 0)["typ"], "at+jwt");
        let claims = claims(&access_token);
        let audience = claims["aud"].as_str().or_else(|| claims["aud"][0].as_str());
        assert_eq!(audience, Some(API), "{claims}");
    }
    let plain = vendor.client(&["--preset", "m2m-refresh", "--scope", "graphql:read"]);
    let claims = claims(&token(&vendor, &plain).text("access_token"));
    assert_eq!(claims["aud"].as_str().or_else(|| claims["aud"][0].as_str()), Some(vendor.host().as_str()));
}
