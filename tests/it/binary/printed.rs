//! The commands that `jeton serve --dev` prints, run as they stand in a POSIX shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary::server::{Outcome, Site, Starting, start};

/// The first line of what is printed to be pasted.
const FIRST: &str = "# DEVELOPMENT MODE";
/// The path in the last one.
const LAST: &str = "/.well-known/oauth-authorization-server";

/// Where a tool is: named by its variable, on the path, or in target/tools.
fn tool(name: &str) -> PathBuf {
    if let Some(named) = std::env::var_os(name.to_uppercase()) {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin");
    let found = std::env::split_paths(&path).chain([beside]).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{name} is needed to run what jeton prints: put it on PATH or into target/tools/bin, or set {}",
            name.to_uppercase()
        )
    })
}

/// A development server, and what it prints to be pasted.
fn develop(site: &Site) -> (Starting, String) {
    let starting = start(site.command(&["serve", "--dev"]), &site.file("log"));
    let mut printed = String::new();
    while !printed.contains(LAST) {
        let line = starting.line().unwrap_or_else(|| panic!("the server ended: {}", starting.log()));
        if !printed.is_empty() || line.starts_with(FIRST) {
            printed += &(line + "\n");
        }
    }
    (starting, printed)
}

/// Runs a text in a shell whose curl and grpcurl are the real ones.
fn paste(site: &Site, text: &str) -> Outcome {
    let bin = site.file("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in ["curl", "grpcurl"] {
        let link = bin.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(tool(name), link).unwrap();
        }
    }
    let script = site.file("pasted.sh");
    std::fs::write(&script, text).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.env_clear().env("PATH", path).env("HOME", site.file("")).current_dir(site.file("")).arg("-e").arg(&script);
    let output = shell.stdin(Stdio::null()).output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Every JSON value that was printed, in order.
fn values(outcome: &Outcome) -> Vec<Value> {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    let values = serde_json::Deserializer::from_str(&outcome.stdout).into_iter();
    values.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

fn check(outcome: &Outcome) {
    let values = values(outcome);
    let [rest, grpc, exchanged, refreshed, active, inactive, jwks, metadata] = values.as_slice() else {
        panic!("eight answers are expected: {values:?}");
    };
    for tokens in [rest, exchanged, refreshed] {
        assert_eq!((&tokens["token_type"], &tokens["scope"]), (&json!("Bearer"), &json!("read")), "{tokens}");
        assert_eq!(tokens["access_token"].as_str().unwrap().split('.').count(), 3, "{tokens}");
    }
    assert_eq!((&grpc["tokenType"], &grpc["scope"]), (&json!("Bearer"), &json!("read write")), "{grpc}");
    assert!(rest.get("refresh_token").is_none(), "{rest}");
    assert!(exchanged["refresh_token"].is_string() && exchanged["refresh_token"] != refreshed["refresh_token"], "{refreshed}");
    assert_eq!((&active["active"], &active["sub"], &active["scope"]), (&json!(true), &json!("alice"), &json!("read")));
    assert_eq!(inactive, &json!({ "active": false }));
    assert_eq!((&jwks["keys"][0]["crv"], &jwks["keys"][0]["alg"]), (&json!("Ed25519"), &json!("EdDSA")), "{jwks}");
    let issuer = active["iss"].as_str().unwrap();
    assert_eq!(metadata["issuer"], issuer);
    assert_eq!(metadata["token_endpoint"], format!("{issuer}/oauth2/token"));
}

#[test]
fn the_printed_commands_work_as_printed() {
    let site = Site::new();
    let (_server, printed) = develop(&site);
    check(&paste(&site, &printed));
    // Nothing that is printed is used up, so it can be pasted again.
    check(&paste(&site, &printed));
}

#[test]
fn the_printed_commands_work_after_a_restart() {
    let site = Site::new();
    let (server, first) = develop(&site);
    server.process.signal(rustix::process::Signal::TERM);
    assert!(server.end().success());
    let (_server, second) = develop(&site);
    assert_ne!(first, second, "nobody can read the old secrets, so there are new ones");
    check(&paste(&site, &second));
    let clients = site.json(&["client", "list"]);
    assert_eq!(clients.as_array().unwrap().len(), 3, "a restart makes no second set of clients");
}

/// Scripts read the same from one line.
#[test]
fn the_seeded_names_and_secrets_are_there_for_scripts() {
    let site = Site::new();
    let server = site.serve(&["--dev"]);
    let dev = &server.summary["dev"];
    assert_eq!((&dev["user"], &dev["redirect_uri"]), (&json!("alice"), &json!("http://127.0.0.1:9999/callback")));
    assert!(dev["password"].as_str().is_some_and(|password| password.len() > 16), "{dev}");
    for client in ["service", "web", "login"] {
        assert!(dev[client]["client_id"].is_string() && dev[client]["client_secret"].is_string(), "{client}");
    }
    assert_eq!(site.json(&["user", "list"])[0]["username"], "alice");
}
