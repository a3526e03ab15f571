//! Registering a client for one published interface with one command.

use serde_json::{Value, json};

use crate::binary::server::{Server, Site};

fn policies(client: &Value) -> Vec<&str> {
    client["policies"].as_array().unwrap().iter().map(|on| on["policy"].as_str().unwrap()).collect()
}

fn create(site: &Site, preset: &str, more: &[&str]) -> Value {
    let start = ["client", "create", "--name", "Reports", "--preset", preset, "--scope", "read write"];
    site.json(&[&start[..], more].concat())
}

const REDIRECT: &[&str] = &["--redirect-uri", "https://app.example.org/cb"];

async fn own_token(server: &Server, client: &Value, path: &str) -> (u16, Value) {
    let id = client["client_id"].as_str().unwrap();
    let request = reqwest::Client::new().post(server.http(path)).basic_auth(id, client["client_secret"].as_str());
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What is left out is what the interface has: one command gives what its developer needs.
#[test]
fn each_preset_answers_a_client_that_can_begin() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let code = json!(["authorization_code", "refresh_token"]);
    for (preset, more, grant_types, lifetime, default_scope, on) in [
        (
            "code-in-query",
            REDIRECT,
            &code,
            json!(5400),
            "read write",
            &["code_in_query", "pkce_optional", "refresh_rotation_never"][..],
        ),
        (
            "m2m-refresh",
            &[],
            &json!(["refresh_token", "client_credentials"]),
            json!(3600),
            "read write",
            &[
                "path_aliases",
                "refresh_rotation_never",
                "refresh_token_on_client_credentials",
                "refresh_without_client_authentication",
            ],
        ),
        ("standard", REDIRECT, &code, Value::Null, "read", &["pkce_optional"]),
        (
            "workspace-legacy",
            REDIRECT,
            &json!(["authorization_code", "refresh_token", "client_credentials"]),
            Value::Null,
            "read write",
            &["grant_type_code", "implicit_grant", "password_grant", "path_aliases", "pkce_optional", "wildcard_scope"],
        ),
    ] {
        let client = create(&site, preset, more);
        assert!(client["client_id"].as_str().unwrap().starts_with("jc_"), "{client}");
        assert!(client["client_secret"].as_str().unwrap().starts_with("jcs_"), "{client}");
        assert_eq!(&client["grant_types"], grant_types, "{preset}");
        assert_eq!(client["access_token_lifetime"], lifetime, "{preset}");
        assert_eq!((&client["scope"], &client["default_scope"]), (&json!("read write"), &json!(default_scope)), "{preset}");
        assert_eq!(policies(&client), on, "{preset}");
        for policy in client["policies"].as_array().unwrap() {
            assert_eq!(policy["reason"], format!("preset {preset}"));
            assert_eq!(policy.get("with_wildcard_scope").is_some(), policy["policy"] == "implicit_grant", "{policy}");
        }
        let shown = site.json(&["client", "get", client["client_id"].as_str().unwrap()]);
        assert!(shown.get("client_secret").is_none() && shown["policies"] == client["policies"], "{shown}");
    }
}

/// What is said counts more than what the preset would have said.
#[test]
fn flags_go_before_the_preset() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let own = ["--grant-type", "client_credentials", "--access-token-lifetime", "60", "--default-scope", "write"];
    let client = create(&site, "m2m-refresh", &[&own[..], &["--policy-reason", "until their next release"]].concat());
    assert_eq!(client["grant_types"], json!(["client_credentials"]));
    assert_eq!((&client["access_token_lifetime"], &client["default_scope"]), (&json!(60), &json!("write")));
    assert!(client["policies"].as_array().unwrap().iter().all(|on| on["reason"] == "until their next release"), "{client}");
}

/// RFC 6749 section 4.4, with the refresh token that its vendor's clients expect (section 4.4.3 advises against one).
#[tokio::test]
async fn a_client_made_with_a_preset_gets_what_its_interface_answers() {
    let site = Site::new();
    let server = site.serve(&[]);
    let client = create(&site, "m2m-refresh", &[]);
    for path in ["/oauth2/token", "/token", "/oauth/2/token"] {
        let (status, answer) = own_token(&server, &client, path).await;
        assert_eq!((status, &answer["expires_in"], answer["refresh_token"].is_string()), (200, &json!(3600), true), "{path}");
    }
    let strict = site.json(&["client", "create", "--name", "S", "--grant-type", "client_credentials", "--scope", "read"]);
    assert_eq!(own_token(&server, &strict, "/token").await.0, 400);
    assert!(own_token(&server, &strict, "/oauth2/token").await.1.get("refresh_token").is_none());
}

#[test]
fn a_preset_that_does_not_suit_makes_no_client() {
    let site = Site::new();
    let _server = site.serve(&[]);
    site.json(&["workspace", "create", "strict", "--policy-ceiling", "none"]);
    let create = ["client", "create", "--name", "N", "--scope", "read"];
    for (more, code, told) in [
        (&["--preset", "standard"][..], 1, "redirect URI"),
        (&["--preset", "standard", "--public", REDIRECT[0], REDIRECT[1]], 1, "clients with a secret only"),
        (&["--preset", "m2m-refresh", "--workspace", "strict"], 1, "jeton workspace update --policy-ceiling"),
        (&["--preset", "legacy"], 2, "workspace-legacy"),
        (&["--policy-reason", "why"], 2, "--preset"),
    ] {
        let refused = site.run(&[&create[..], more].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
    }
    assert_eq!(site.json(&["client", "list"]), json!([]));
    assert_eq!(site.json(&["client", "list", "--workspace", "strict"]), json!([]));
}
