//! Policies in the hands of an operator: on, off, reported, refused, counted.

use serde_json::{Value, json};

use crate::binary::server::{Server, Site};

const CREATE: &[&str] =
    &["client", "create", "--name", "Web", "--scope", "read write", "--redirect-uri", "https://app.example.org/cb"];
const GRANTS: &[&str] = &["--grant-type", "authorization_code", "refresh_token", "client_credentials"];

fn client(site: &Site) -> (Value, String) {
    let client = site.json(&[CREATE, GRANTS].concat());
    let id = client["client_id"].as_str().unwrap().to_owned();
    (client, id)
}

/// Runs a command that is refused, in both of its outputs: the sentence of the refusal.
fn refused(site: &Site, arguments: &[&str], code: i32) -> String {
    let shown = site.run(arguments);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(code), ""), "{arguments:?}: {shown:?}");
    if code == 1 {
        let scripted = site.run(&[arguments, &["--output", "json"]].concat());
        let failure: Value = serde_json::from_str(&scripted.stderr).unwrap();
        assert_eq!(scripted.code, Some(1));
        assert_eq!(format!("error: {}\n", failure["message"].as_str().unwrap()), shown.stderr);
    }
    shown.stderr
}

fn instant(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn a_policy_is_switched_on_changed_and_off() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let (_, id) = client(&site);
    let on = site.json(&["policy", "enable", &id, "pkce_optional", "--reason", "vendor ticket 4711", "--expires-in", "90"]);
    let [policy] = on["policies"].as_array().unwrap().as_slice() else { panic!("one policy: {on}") };
    assert_eq!((&policy["policy"], &policy["reason"]), (&json!("pkce_optional"), &json!("vendor ticket 4711")));
    // The command and the server look at the clock one after the other.
    let days = (instant(&policy["expires_at"]) - instant(&policy["since"]) + 60) / 86_400;
    assert_eq!(days, 90, "{policy}");

    let until = ["--expires-at", "2099-01-31T00:00:00Z"];
    let changed = site.json(&[&["policy", "enable", &id, "pkce_optional", "--reason", "ticket 4712"], &until[..]].concat());
    assert_eq!(
        (&changed["policies"][0]["reason"], &changed["policies"][0]["expires_at"]),
        (&json!("ticket 4712"), &json!(until[1]))
    );
    assert_eq!(changed["policies"][0]["since"], policy["since"], "it was on all the time");
    let shown = site.run(&["client", "get", &id]);
    assert!(shown.stdout.contains("policy=pkce_optional") && shown.stdout.contains("reason=ticket 4712"), "{shown:?}");

    assert_eq!(site.json(&["policy", "disable", &id, "pkce_optional"])["policies"], json!([]));
    let preset = ["policy", "preset", &id, "m2m-refresh", "--reason", "until May", "--expires-at", until[1]];
    let applied = site.json(&preset);
    assert_eq!(applied["policies"].as_array().unwrap().len(), 4);
    assert!(applied["policies"].as_array().unwrap().iter().all(|on| on["reason"] == "until May" && on["expires_at"] == until[1]));
}

/// RFC 9700 section 2.1.2: a page that is given every scope is something that somebody has to say.
#[test]
fn implicit_grant_with_wildcard_scope_is_stated() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let (_, id) = client(&site);
    site.json(&["policy", "enable", &id, "wildcard_scope", "--reason", "old page"]);
    let implicit = ["policy", "enable", &id, "implicit_grant", "--reason", "old page"];
    assert!(refused(&site, &implicit, 1).contains("--with-wildcard-scope"));
    let stated = site.json(&[&implicit[..], &["--with-wildcard-scope"]].concat());
    assert_eq!(stated["policies"][0]["with_wildcard_scope"], true);
    let other = ["policy", "enable", &id, "path_aliases", "--reason", "r", "--with-wildcard-scope"];
    assert!(refused(&site, &other, 1).contains("implicit_grant only"));
}

/// Each refusal says what to do instead.
#[test]
fn what_may_not_be_is_refused_with_the_way_out() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let (_, id) = client(&site);
    let public = site.json(&[CREATE, &["--public"]].concat());
    let public = public["client_id"].as_str().unwrap();
    site.json(&["workspace", "update", "default", "--policy-ceiling", "pkce_optional, path_aliases"]);
    let why = ["--reason", "why"];
    for (arguments, code, told) in [
        (&["enable", &id, "wildcard_scope", why[0], why[1]][..], 1, "jeton workspace update --policy-ceiling"),
        (&["preset", &id, "m2m-refresh"], 1, "jeton workspace update --policy-ceiling"),
        (&["enable", public, "pkce_optional", why[0], why[1]], 1, "clients with a secret only"),
        (&["enable", &id, "pkce_optional", "--reason", " "], 1, "reason must be 1 to 200 characters"),
        (&["enable", &id, "pkce_optional"], 2, "--reason"),
        (&["enable", &id, "pkce_optional", why[0], why[1], "--expires-at", "2020-01-01T00:00:00Z"], 1, "must be in the future"),
        (&["enable", &id, "pkce_optional", why[0], why[1], "--expires-at", "2099-01-31"], 2, "like 2027-01-31T00:00:00Z"),
        (&["enable", &id, "pkce_optional", why[0], why[1], "--expires-in", "0"], 2, "1..=36500"),
        (
            &["enable", &id, "pkce_optional", why[0], why[1], "--expires-in", "1", "--expires-at", "2099-01-31T00:00:00Z"],
            2,
            "--expires-at",
        ),
        (&["enable", &id, "pkce", why[0], why[1]], 2, "pkce_optional"),
        (&["enable", "jc_nobody", "pkce_optional", why[0], why[1]], 1, "no such client"),
        (&["disable", "jc_nobody", "pkce_optional"], 1, "no such client"),
        (&["preset", &id, "everything"], 2, "workspace-legacy"),
        (&["report", "--workspace", "nowhere"], 1, "no such workspace"),
    ] {
        let sentence = refused(&site, &[&["policy"], arguments].concat(), code);
        assert!(sentence.contains(told), "{arguments:?}: {sentence}");
    }
    assert_eq!(site.json(&["client", "get", &id])["policies"], json!([]));
}

async fn all_scopes(server: &Server, client: &Value) -> u16 {
    let request = reqwest::Client::new().post(server.http("/oauth2/token"));
    let request = request.basic_auth(client["client_id"].as_str().unwrap(), client["client_secret"].as_str());
    request.form(&[("grant_type", "client_credentials"), ("scope", "*")]).send().await.unwrap().status().as_u16()
}

/// What is still used, what is not, what is over, and what somebody has to change.
#[tokio::test]
async fn the_report_says_which_policies_are_still_needed() {
    let site = Site::new();
    let server = site.serve(&[]);
    assert_eq!(site.json(&["policy", "report"]), json!([]));
    let (client, id) = client(&site);
    for policy in ["wildcard_scope", "path_aliases"] {
        site.json(&["policy", "enable", &id, policy, "--reason", "old client", "--expires-at", "2099-01-31T00:00:00Z"]);
    }
    let counted = r#"jeton_policy_uses_total{policy="wildcard_scope"}"#;
    assert_eq!(server.metric(counted).await, None);
    for _ in 0..3 {
        assert_eq!(all_scopes(&server, &client).await, 200);
    }
    assert_eq!(server.metric(counted).await.as_deref(), Some("3"));

    let report = site.json(&["policy", "report"]);
    let [aliases, wildcard] = report.as_array().unwrap().as_slice() else { panic!("two: {report}") };
    assert_eq!((&aliases["policy"], &aliases["uses"], aliases.get("last_used_at")), (&json!("path_aliases"), &json!(0), None));
    assert_eq!((&wildcard["uses"], &wildcard["state"], &wildcard["client_id"]), (&json!(3), &json!("on"), &json!(id)));
    assert!(wildcard["last_used_at"].is_string() && wildcard["since"].is_string(), "{wildcard}");
    assert_eq!(wildcard["expires_at"], "2099-01-31T00:00:00Z");
    assert_eq!(wildcard["advice"], "name the scopes that are needed, separated by spaces");

    site.json(&["workspace", "update", "default", "--policy-ceiling", "path_aliases"]);
    let table = site.run(&["policy", "report"]);
    assert_eq!(table.code, Some(0));
    let rows: Vec<&str> = table.stdout.lines().collect();
    let [heading, first, second] = rows.as_slice() else { panic!("{}", table.stdout) };
    assert!(["policy", "state", "expires_at", "uses", "advice"].iter().all(|column| heading.contains(column)), "{heading}");
    assert!(first.contains("path_aliases") && first.contains(" on "), "{first}");
    assert!(second.contains("outside the ceiling") && second.contains("2099-01-31T00:00:00Z"), "{second}");
    assert_eq!(all_scopes(&server, &client).await, 400);
    assert_eq!(server.metric(counted).await.as_deref(), Some("3"), "a refusal is no use");
    assert_eq!(site.json(&["policy", "report", "--workspace", "default"])[1]["state"], "outside the ceiling");
}
