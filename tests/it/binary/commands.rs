//! The commands against a running server: what scripts read, and how they fail.

use serde_json::{Value, json};

use crate::binary::server::{Server, Site, run};

const CREATE_SERVICE: &[&str] = &["client", "create", "--name", "N", "--grant-type", "client_credentials", "--scope", "a b"];

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("no text {member} in {value}"))
}

async fn token(url: String, client: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(url).basic_auth(text(client, "client_id"), Some(text(client, "client_secret")));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_created_client_gets_a_token() {
    let site = Site::new();
    let server = site.serve(&[]);
    let client = site.json(CREATE_SERVICE);
    assert_eq!(client["grant_types"], json!(["client_credentials"]));
    assert_eq!(client["scope"], "a b");
    let (status, answer) = token(server.http("/oauth2/token"), &client).await;
    assert_eq!((status, &answer["token_type"], &answer["scope"]), (200, &json!("Bearer"), &json!("a b")));
    assert_eq!(answer["expires_in"], 900);
}

/// Elsewhere, an operator names the server and the token.
#[test]
fn another_machine_names_the_server_and_the_token() {
    let site = Site::new();
    let server = site.serve(&[]);
    let elsewhere = Site::new();
    let endpoint = server.address("admin");
    let token_file = site.data_dir().join("admin-token");
    let flags = ["client", "list", "--endpoint", &endpoint, "--token-file", token_file.to_str().unwrap()];
    assert_eq!(elsewhere.json(&flags), json!([]));
    let mut command = elsewhere.command(&["client", "list", "--output", "json"]);
    command.env("JETON_ADMIN_ADDR", &endpoint).env("JETON_ADMIN_TOKEN", site.admin_token());
    assert_eq!(run(command).stdout, "[]\n");
}

#[test]
fn a_public_native_client_has_no_secret() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let redirect_uris = ["--redirect-uri", "http://127.0.0.1/callback", "--redirect-uri", "com.example.notes:/callback"];
    let create = ["client", "create", "--name", "notes", "--public", "--native", "--scope", "notes"];
    let client = site.json(&[&create[..], &redirect_uris, &["--grant-type", "authorization_code"]].concat());
    assert!(client.get("client_secret").is_none(), "{client}");
    assert_eq!(client["token_endpoint_auth_method"], "none");
    assert_eq!(client["application_type"], "native");
    assert_eq!(client["redirect_uris"], json!(["http://127.0.0.1/callback", "com.example.notes:/callback"]));
    assert_eq!(site.json(&["client", "get", text(&client, "client_id")]), client);
}

#[test]
fn a_client_can_be_managed_to_its_end() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let client = site.json(CREATE_SERVICE);
    let id = text(&client, "client_id");
    let updated = site.json(&["client", "update", id, "--scope", "a b c", "--access-token-lifetime", "60"]);
    assert_eq!((&updated["client_name"], &updated["scope"]), (&json!("N"), &json!("a b c")));
    assert_eq!(updated["access_token_lifetime"], 60);
    let rotated = site.json(&["client", "rotate-secret", id]);
    assert_ne!(rotated["client_secret"], client["client_secret"]);
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2);
    assert_eq!(site.json(&["client", "permit", id, "--permission", "issue_code"])["permissions"], json!(["issue_code"]));
    assert_eq!(site.json(&["client", "permit", id, "--none"])["permissions"], json!([]));
    assert_eq!(site.json(&["client", "disable", id])["disabled"], true);
    assert_eq!(site.json(&["client", "enable", id])["disabled"], false);
    assert_eq!(site.json(&["client", "revoke-tokens", id]), json!({}));
    assert_eq!(site.run(&["client", "delete", id]).code, Some(2), "nobody can be asked");
    assert_eq!(site.json(&["client", "delete", id, "--yes"]), json!({}));
    assert_eq!(site.json(&["client", "list"]), json!([]));
}

#[tokio::test]
async fn a_workspace_has_its_own_clients_under_its_own_path() {
    let site = Site::new();
    let server = site.serve(&[]);
    let workspace = site.json(&["workspace", "create", "acme", "--display-name", "Acme"]);
    assert_eq!(workspace["issuer"], server.http("/acme"));
    let client = site.json(&[CREATE_SERVICE, &["--workspace", "acme"]].concat());
    assert_eq!(client["workspace"], "acme");
    assert_eq!(token(server.http("/acme/oauth2/token"), &client).await.0, 200);
    let (status, answer) = token(server.http("/oauth2/token"), &client).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    assert_eq!(site.json(&["client", "list"]), json!([]));

    assert_eq!(site.json(&["workspace", "update", "acme", "--suspend"])["suspended"], true);
    assert_eq!(site.json(&["workspace", "update", "acme", "--resume"])["suspended"], false);
    assert_eq!(site.json(&["workspace", "get", "acme"])["display_name"], "Acme");
    assert_eq!(site.json(&["workspace", "delete", "acme", "--yes"]), json!({}));
    assert_eq!(site.run(&["workspace", "get", "acme"]).code, Some(1));
    assert_eq!(token(server.http("/acme/oauth2/token"), &client).await.0, 401);
}

async fn published(server: &Server) -> usize {
    let keys: Value = reqwest::get(server.http("/oauth2/jwks")).await.unwrap().json().await.unwrap();
    keys["keys"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_key_is_announced_then_active_and_a_compromised_one_is_dropped() {
    let site = Site::new();
    let server = site.serve(&[]);
    let first = site.json(&["key", "list"]);
    assert_eq!((&first[0]["state"], &first[0]["alg"]), (&json!("active"), &json!("EdDSA")));
    let next = site.json(&["key", "rotate"]);
    assert_eq!(next["state"], "announced");
    assert!(text(&next, "active_from") > text(&next, "announced_at"));
    assert_eq!(published(&server).await, 2);
    let again = site.run(&["key", "rotate", "--output", "json"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&again.stderr).unwrap()["error"], "changed");

    assert_eq!(site.json(&["key", "rotate", "--now"])["state"], "active");
    let unconfirmed = site.run(&["key", "rotate", "--compromised"]);
    assert_eq!(unconfirmed.code, Some(2));
    assert!(unconfirmed.stderr.contains("--yes"), "{unconfirmed:?}");
    let only = site.json(&["key", "rotate", "--compromised", "--yes"]);
    assert_eq!(only["state"], "active");
    let list = site.json(&["key", "list"]);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["kid"]), (1, &only["kid"]));
    assert_eq!(published(&server).await, 1);
}

#[test]
fn a_user_can_be_managed() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let user = site.json(&["user", "create", "--username", "alice"]);
    let sub = text(&user, "sub");
    assert_eq!(site.json(&["user", "disable", sub])["disabled"], true);
    assert_eq!(site.json(&["user", "enable", sub])["disabled"], false);
    assert_eq!(site.json(&["user", "revoke-tokens", sub]), json!({}));
    assert_eq!(site.json(&["user", "list"])[0]["username"], "alice");
}

/// A password is read from standard input alone: arguments can be seen by every process.
#[test]
fn a_password_comes_on_standard_input() {
    let site = Site::new();
    let server = site.serve(&[]);
    let create = ["user", "create", "--username", "alice", "--password-stdin", "--administrator"];
    let created = site.json_with_input(&create, "correct horse\n");
    assert_eq!((&created["has_password"], &created["administrator"]), (&json!(true), &json!(true)), "{created}");
    assert_eq!(site.json(&["user", "demote", "alice"])["administrator"], false);
    assert_eq!(site.json(&["user", "promote", "alice"])["administrator"], true);
    let bob = site.json(&["user", "create", "bob"]);
    assert_eq!((&bob["username"], &bob["has_password"]), (&json!("bob"), &json!(false)));
    assert_eq!(
        site.json_with_input(&["user", "set-password", "bob", "--password-stdin"], "another one\r\n")["has_password"],
        true
    );
    for (input, code, told) in [("short\n", 1, "at least 8 characters"), ("", 2, "no password"), ("\n", 2, "no password")] {
        let refused = site.run_with_input(&["user", "set-password", "bob", "--password-stdin"], input);
        assert_eq!(refused.code, Some(code), "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    let unasked = site.run(&["user", "set-password", "bob"]);
    assert_eq!(unasked.code, Some(2));
    assert!(unasked.stderr.contains("--password-stdin"), "{unasked:?}");
    let log = server.log();
    assert!(!log.contains("correct horse") && !log.contains("another one"), "{log}");
}

#[test]
fn a_configuration_can_be_looked_at_without_a_server() {
    let site = Site::new();
    let settings = site.json(&["check-config", "--set", "lifetimes.code_seconds=30"]);
    let code = settings.as_array().unwrap().iter().find(|setting| setting["key"] == "lifetimes.code_seconds").unwrap();
    assert_eq!((&code["value"], &code["from"]), (&json!(30), &json!("flag --set lifetimes.code_seconds")));
    let defaults = site.run(&["check-config", "--print-defaults"]);
    let file = site.file("jeton.toml");
    std::fs::write(&file, &defaults.stdout).unwrap();
    assert_eq!(site.run(&["check-config", "--config", file.to_str().unwrap()]).code, Some(0), "the defaults are a good file");
    assert!(!site.data_dir().exists());
}

/// A secret is shown once, when it is made.
#[test]
fn no_later_command_shows_a_secret() {
    let site = Site::new();
    let server = site.serve(&["--set", "log.level=trace"]);
    let client = site.json(CREATE_SERVICE);
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    for arguments in [&["client", "get", id][..], &["client", "list"], &["client", "get", id, "--output", "json"]] {
        let outcome = site.run(arguments);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains(id) && !outcome.stdout.contains(secret), "{outcome:?}");
    }
    for secret in [secret, &site.admin_token()] {
        assert!(!server.log().contains(secret), "the log holds a secret");
    }
}

#[test]
fn each_failure_has_its_exit_code_and_its_sentence() {
    let site = Site::new();
    let failed = |arguments: &[&str], code: i32, error: &str, said: &str| {
        let outcome = site.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), ""), "{arguments:?}: {outcome:?}");
        let failure: Value = serde_json::from_str(&outcome.stderr).unwrap_or_else(|_| panic!("no JSON: {outcome:?}"));
        assert_eq!(failure["error"], error, "{arguments:?}");
        assert!(text(&failure, "message").contains(said), "{arguments:?}: {failure}");
        let outcome = site.run(arguments);
        assert_eq!(outcome.code, Some(code));
        assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(said), "{arguments:?}: {outcome:?}");
    };
    failed(&["client", "list", "--endpoint", "127.0.0.1:1"], 4, "unreachable", "jeton serve");
    failed(&["healthcheck", "--endpoint", "127.0.0.1:1"], 4, "unreachable", "http://127.0.0.1:1");
    failed(&["check-config", "--set", "limits.body_bytes=1"], 2, "configuration", "limits.body_bytes");
    let server = site.serve(&[]);
    failed(&["client", "get", "nobody"], 1, "not_found", "client");
    failed(&["client", "create", "--name", "N", "--redirect-uri", "http://a.example/"], 1, "invalid_redirect_uri", "https");
    failed(&["workspace", "create", "oauth2"], 1, "invalid_field", "name");
    failed(&["workspace", "create", "default"], 1, "invalid_field", "name");
    failed(&["user", "disable", "nobody"], 1, "not_found", "user");
    let wrong = site.file("wrong-token");
    std::fs::write(&wrong, "jadm_0123456789012345678901234567890123456789").unwrap();
    failed(&["client", "list", "--token-file", wrong.to_str().unwrap()], 1, "unauthenticated", "--token-file");
    failed(&["client", "list", "--token-file", "/nowhere/token"], 2, "configuration", "/nowhere/token");
    server.kill();
    failed(&["client", "list"], 4, "unreachable", "no server answers");
}

/// Wrong usage is told before anything happens.
#[test]
fn wrong_usage_is_exit_code_2() {
    let site = Site::new();
    for arguments in [
        &["client"][..],
        &["client", "create"],
        &["serve", "--prod"],
        &["client", "create", "--name", "N", "--grant-type", "password"],
    ] {
        let outcome = site.run(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{arguments:?}: {outcome:?}");
        assert!(!outcome.stderr.is_empty());
    }
}
