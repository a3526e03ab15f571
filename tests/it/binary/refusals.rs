//! Starts that are refused: the exit code, and a sentence that says what to do.

use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use crate::binary::server::{Outcome, Site, run};

fn refused(outcome: &Outcome, code: i32, said: &[&str]) {
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    let last = outcome.stderr.lines().last().unwrap();
    let sentence = last.strip_prefix("error: ").unwrap_or_else(|| panic!("no sentence: {outcome:?}"));
    for part in said {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
}

#[test]
fn a_second_process_in_a_data_directory_is_refused() {
    let site = Site::new();
    let server = site.serve(&[]);
    let dir = site.data_dir();
    refused(&site.run(&["serve"]), 1, &["another jeton process uses the data directory", dir.to_str().unwrap()]);
    let second = site.run(&["serve", "--output", "json"]);
    let failure: Value = serde_json::from_str(second.stderr.lines().last().unwrap()).unwrap();
    assert!(failure["message"].as_str().unwrap().contains(dir.to_str().unwrap()), "{failure}");
    assert_eq!(site.json(&["healthcheck"])["status"], "serving", "the first one goes on");
    assert!(server.stop().success());
}

#[test]
fn a_taken_port_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for listener in ["http", "grpc", "admin", "ops"] {
        let site = Site::new();
        let mut command = site.command(&["serve"]);
        command.env(format!("JETON_{}_ADDR", listener.to_uppercase()), &address);
        refused(&run(command), 2, &[&address, &format!("listen.{listener}")]);
    }
}

/// RFC 8414 section 2: an issuer is an https URL.
#[test]
fn an_issuer_without_tls_is_refused() {
    let site = Site::new();
    let issuer = |issuer: &str| {
        let mut command = site.command(&["serve"]);
        command.env("JETON_ISSUER", issuer);
        run(command)
    };
    refused(&issuer("http://auth.example.com"), 2, &["issuer", "JETON_ISSUER", "https://"]);
    refused(&issuer("https://auth.example.com/"), 2, &["issuer", "slash"]);
    assert!(!site.data_dir().exists(), "nothing is made for a configuration that is wrong");
    let server = site.serve(&["--set", "issuer=https://auth.example.com"]);
    assert_eq!(server.summary["issuer"], "https://auth.example.com");
}

#[test]
fn a_missing_master_key_is_not_replaced() {
    let site = Site::new();
    assert!(site.serve(&[]).stop().success());
    let file = site.data_dir().join("master-key");
    let kept = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    refused(&site.run(&["serve"]), 1, &[file.to_str().unwrap(), "is missing", "JETON_MASTER_KEY_FILE"]);
    assert!(!file.exists());
    fs::write(&file, kept).unwrap();
    assert!(site.serve(&[]).stop().success());
}

#[test]
fn another_master_key_is_refused() {
    let site = Site::new();
    assert!(site.serve(&[]).stop().success());
    let other = site.file("other-key");
    fs::write(&other, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    let mut command = site.command(&["serve"]);
    command.env("JETON_MASTER_KEY_FILE", &other);
    refused(&run(command), 2, &["sealed under another master key"]);
}

#[test]
fn a_malformed_master_key_is_refused_with_its_place() {
    let site = Site::new();
    assert!(site.serve(&[]).stop().success());
    let file = site.data_dir().join("master-key");
    fs::write(&file, "no key at all\n").unwrap();
    refused(&site.run(&["serve"]), 1, &[file.to_str().unwrap(), "32 bytes"]);
    let mut command = site.command(&["serve"]);
    command.env("JETON_MASTER_KEY", "0123456789abcdef0123456789abcdefg");
    refused(&run(command), 2, &["JETON_MASTER_KEY", "32 bytes"]);
}

/// STORE: a store that ends before what was acknowledged is not served.
#[test]
fn a_store_that_lost_something_is_refused_until_the_loss_is_accepted() {
    let site = Site::new();
    assert!(site.serve(&[]).stop().success());
    let store = site.data_dir().join("store");
    fs::remove_dir_all(&store).unwrap();
    for _ in 0..2 {
        refused(&site.run(&["serve"]), 1, &["were acknowledged", "--accept-loss"]);
    }
    assert!(site.serve(&["--accept-loss"]).stop().success());
    assert!(site.serve(&[]).stop().success(), "it is accepted once and for all");
}

#[test]
fn a_damaged_record_is_refused_with_its_own_exit_code() {
    let site = Site::new();
    let server = site.serve(&[]);
    site.json(&["client", "create", "--name", "a", "--grant-type", "client_credentials", "--scope", "read"]);
    assert!(server.stop().success());
    {
        let db = sled::open(site.data_dir().join("store")).unwrap();
        let clients = db.open_tree("clients").unwrap();
        let (key, value) = clients.first().unwrap().unwrap();
        let mut damaged = value.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        clients.insert(key, damaged).unwrap();
        db.flush().unwrap();
    }
    refused(&site.run(&["serve"]), 3, &["clients", "damaged", "restore a backup"]);
}

/// Development mode prints secrets, so nobody else may reach it.
#[test]
fn development_mode_listens_only_on_loopback() {
    let site = Site::new();
    let outcome = site.run(&["serve", "--dev", "--set", "listen.ops=0.0.0.0:0", "--set", "network.plaintext=mesh"]);
    refused(&outcome, 2, &["--dev", "listen.ops", "0.0.0.0"]);
    assert!(!site.data_dir().exists());
}

#[test]
fn a_setting_that_does_not_exist_is_refused_with_a_suggestion() {
    let site = Site::new();
    refused(&site.run(&["serve", "--set", "lifetimes.code_second=30"]), 2, &["lifetimes.code_seconds"]);
    let mut command = site.command(&["serve"]);
    command.env("JETON_ISUER", "https://auth.example.com");
    refused(&run(command), 2, &["JETON_ISUER", "JETON_ISSUER"]);
}
