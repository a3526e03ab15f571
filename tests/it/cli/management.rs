//! The management commands: what they send, what they print, and how they fail.

use std::process::{Command, Stdio};

use jeton::pb::v1::{ApplicationType, GrantType, TokenEndpointAuthMethod};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::fake_admin::{FakeAdmin, SECRET, TOKEN};
use super::{Answer, answer, jeton};

struct Machine {
    server: FakeAdmin,
    directory: TempDir,
}

impl Machine {
    fn new() -> Self {
        let directory = tempdir().unwrap();
        std::fs::write(directory.path().join("token"), TOKEN).unwrap();
        Self { server: FakeAdmin::start(), directory }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = jeton(self.directory.path());
        command.args(arguments).args(["--token-file", "token", "--endpoint", &self.server.address.to_string()]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        answer(&mut self.command(arguments))
    }
}

#[test]
fn create_sends_what_was_said_and_shows_the_secret_once() {
    let machine = Machine::new();
    let created = machine.run(&[
        "client",
        "create",
        "--name",
        "notes",
        "--grant-type",
        "authorization_code",
        "--grant-type",
        "refresh_token",
        "--scope",
        "read write",
        "--default-scope",
        "read",
        "--redirect-uri",
        "http://127.0.0.1/a",
        "http://127.0.0.1/b",
        "--public",
        "--native",
        "--audience",
        "https://api.example.com",
        "--access-token-lifetime",
        "300",
        "--output",
        "json",
    ]);

    assert_eq!((created.code, created.stderr.as_str()), (0, ""));
    let answer: Value = serde_json::from_str(&created.stdout).unwrap();
    assert_eq!(answer["client_id"], "jc_0");
    assert_eq!(answer["client_secret"], SECRET);
    assert_eq!(answer["grant_types"], serde_json::json!(["authorization_code", "refresh_token"]));
    assert_eq!(answer["token_endpoint_auth_method"], "none");

    let metadata = machine.server.clients.all()[0].metadata.clone().unwrap();
    assert_eq!(metadata.client_name, "notes");
    assert_eq!(metadata.grant_types().collect::<Vec<_>>(), [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(metadata.redirect_uris, ["http://127.0.0.1/a", "http://127.0.0.1/b"]);
    assert_eq!((metadata.scope.as_str(), metadata.default_scope.as_str()), ("read write", "read"));
    assert_eq!(metadata.default_audience, "https://api.example.com");
    assert_eq!(metadata.token_endpoint_auth_method(), TokenEndpointAuthMethod::None);
    assert_eq!(metadata.application_type(), ApplicationType::Native);
    assert_eq!(metadata.lifetimes.unwrap().access_token_seconds, 300);

    let shown = machine.run(&["client", "get", "jc_0", "--output", "json"]);
    assert_eq!(shown.code, 0);
    assert!(!shown.stdout.contains(SECRET));
}

#[test]
fn update_changes_only_what_is_given() {
    let machine = Machine::new();
    machine.run(&["client", "create", "--name", "billing", "--grant-type", "client_credentials", "--scope", "read write"]);
    let updated = machine.run(&["client", "update", "jc_0", "--scope", "read", "--output", "json"]);
    assert_eq!(updated.code, 0, "{}", updated.stderr);
    let metadata = machine.server.clients.all()[0].metadata.clone().unwrap();
    assert_eq!((metadata.client_name.as_str(), metadata.scope.as_str()), ("billing", "read"));
    assert_eq!(metadata.grant_types().collect::<Vec<_>>(), [GrantType::ClientCredentials]);
}

#[test]
fn list_follows_every_page() {
    let machine = Machine::new();
    for name in ["a", "b", "c", "d", "e"] {
        machine.server.clients.add(name);
    }
    let listed = machine.run(&["client", "list", "--output", "json"]);
    let clients: Value = serde_json::from_str(&listed.stdout).unwrap();
    let names: Vec<_> = clients.as_array().unwrap().iter().map(|client| client["client_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[test]
fn tables_keep_control_characters_away_from_the_terminal() {
    let machine = Machine::new();
    machine.server.clients.add("\u{1b}[31mred\n");
    let listed = machine.run(&["client", "list"]);
    assert!(listed.stdout.contains("?[31mred?"), "{}", listed.stdout);
    assert!(!listed.stdout.contains('\u{1b}'));
}

#[test]
fn nothing_is_deleted_without_a_yes() {
    let machine = Machine::new();
    machine.server.clients.add("billing");
    let refused = answer(machine.command(&["client", "delete", "jc_0"]).stdin(Stdio::null()));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(machine.server.clients.all().len(), 1);

    let deleted = machine.run(&["client", "delete", "jc_0", "--yes", "--output", "json"]);
    assert_eq!((deleted.code, deleted.stdout.as_str()), (0, "{}\n"));
    assert!(machine.server.clients.all().is_empty());
}

#[test]
fn a_refusal_ends_with_1_and_its_oauth_code() {
    let machine = Machine::new();
    let refused = machine.run(&["client", "create", "--name", "n", "--scope", "*", "--output", "json"]);
    assert_eq!(refused.code, 1);
    assert_eq!(refused.stderr, "{\"error\":\"invalid_client_metadata\",\"message\":\"scope must name its scopes\"}\n");
    let refused = machine.run(&["client", "get", "jc_9"]);
    assert_eq!((refused.code, refused.stderr.as_str()), (1, "error: no client has this client_id\n"));
}

#[test]
fn a_token_that_is_not_accepted_ends_with_1_and_is_not_shown() {
    let machine = Machine::new();
    std::fs::write(machine.directory.path().join("token"), "ffffffffffffffffffffffffffffffff").unwrap();
    let refused = machine.run(&["client", "list"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("--token-file"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("ffff"));
}

#[test]
fn a_missing_token_ends_with_2() {
    let machine = Machine::new();
    std::fs::remove_file(machine.directory.path().join("token")).unwrap();
    let refused = machine.run(&["client", "list"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("cannot be read from token"), "{}", refused.stderr);
}

#[test]
fn no_server_ends_with_4() {
    let directory = tempdir().unwrap();
    // Port 1 is below what listeners of this machine are given.
    for command in [&["client", "list"][..], &["healthcheck"]] {
        let refused = answer(jeton(directory.path()).args(command).args(["--endpoint", "http://127.0.0.1:1"]));
        assert_eq!((refused.code, refused.stdout.as_str()), (4, ""));
        assert!(refused.stderr.contains("no server answers at http://127.0.0.1:1"), "{}", refused.stderr);
    }
}

/// A server on the same machine is found by what it wrote into its data directory.
#[test]
fn the_server_is_found_by_its_data_directory() {
    let machine = Machine::new();
    machine.server.clients.add("billing");
    let data = machine.directory.path().join("jeton-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("admin-token"), TOKEN).unwrap();
    std::fs::write(data.join("endpoints.json"), format!("{{\"admin\":\"http://{}\"}}", machine.server.address)).unwrap();

    let listed = answer(jeton(machine.directory.path()).args(["client", "list"]));
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("billing"));

    let listed = answer(jeton(machine.directory.path()).args(["client", "list"]).env("JETON_ADMIN_ADDR", "127.0.0.1:0"));
    assert_eq!(listed.code, 0, "{}", listed.stderr);

    let listed = answer(jeton(machine.directory.path()).args(["client", "list"]).env("JETON_ADMIN_ADDR", "127.0.0.1:1"));
    assert_eq!(listed.code, 4);
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let machine = Machine::new();
    for _ in 0..2000 {
        machine.server.clients.add("a client with quite a long name, so that the answer is larger than a pipe");
    }
    let mut child =
        machine.command(&["client", "list", "--output", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
