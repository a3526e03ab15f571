//! What the audit log says of a use: which event, where, who, which policy, and nothing else.

use serde_json::{Value, json};
use tracing::Level;

use super::{PASSWORD, enable, everything, person};
use crate::support::clients::{REDIRECT_URI, VERIFIER};
use crate::support::log::{Log, watch};
use crate::support::server::Server;

/// The lines of one event, without what every line has.
fn events(log: &Log, event: &str) -> Vec<Value> {
    let written = log.text();
    let lines = written.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let audit = lines.filter(|line| line["target"] == "jeton::audit").map(|line| line["fields"].clone());
    audit.filter(|fields| fields["event"] == event).collect()
}

#[tokio::test]
async fn a_use_is_one_line_with_its_policy_its_client_and_its_workspace() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(Level::TRACE).with_writer(log.clone()).finish();
    // The server of this test runs on its thread.
    let guard = watch(subscriber);
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let client = server.register_in("acme", everything()).await;
    for policy in ["code_in_query", "path_aliases"] {
        enable(&server, &client, policy).await;
    }
    let code = server.code(&client, "alice", "read").await;
    let grant = [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    assert_eq!(server.post(&format!("/token?code={code}"), &client, &grant).await.status, 200);
    // Off for who uses it, and used by nobody: no line.
    assert_eq!(server.post("/oauth2/token", &client, &[("grant_type", "client_credentials"), ("scope", "*")]).await.status, 400);
    assert_eq!(server.post("/oauth2/token", &client, &[("grant_type", "client_credentials")]).await.status, 200);
    drop(guard);

    let used = |policy: &str| {
        json!({
            "message": "a compatibility policy was used",
            "event": "policy_used",
            "workspace": "acme",
            "client.id": client.client_id,
            "policy": policy,
        })
    };
    let mut lines = events(&log, "policy_used");
    lines.sort_by_key(|line| line["policy"].to_string());
    assert_eq!(lines, [used("code_in_query"), used("path_aliases")]);
    let enabled = events(&log, "policy_enabled");
    assert_eq!(enabled.len(), 2);
    assert_eq!((&enabled[0]["policy"], &enabled[0]["reason"]), (&json!("code_in_query"), &json!("an old client")));
    assert!(!log.text().contains(&code));
}

#[tokio::test]
async fn a_password_is_one_line_with_its_outcome() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(Level::TRACE).with_writer(log.clone()).finish();
    let guard = watch(subscriber);
    let server = Server::start().await;
    person(&server, "alice").await;
    let client = server.register(everything()).await;
    enable(&server, &client, "password_grant").await;
    for (password, status) in [("wrong", 400), (PASSWORD, 200)] {
        let pairs = [("grant_type", "password"), ("username", "alice"), ("password", password)];
        assert_eq!(server.post("/oauth2/token", &client, &pairs).await.status, status);
    }
    drop(guard);
    let lines = events(&log, "sign_in");
    let said: Vec<_> =
        lines.iter().map(|line| (line["outcome"].as_str().unwrap(), line["workspace"].as_str().unwrap())).collect();
    assert_eq!(said, [("invalid_grant", "default"), ("ok", "default")]);
    for line in &lines {
        let mut names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["address", "event", "message", "outcome", "workspace"]);
    }
    assert!(!log.text().contains(PASSWORD));
}
