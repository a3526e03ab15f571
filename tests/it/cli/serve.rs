//! `jeton serve`, by the real binary: what it says, what it makes, and how it ends.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::tempdir;

use super::{answer, jeton};

const ANY_PORTS: [&str; 8] = [
    "--set",
    "listen.http=127.0.0.1:0",
    "--set",
    "listen.grpc=127.0.0.1:0",
    "--set",
    "listen.admin=127.0.0.1:0",
    "--set",
    "listen.ops=127.0.0.1:0",
];

struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    summary: Value,
}

impl Server {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = jeton(directory);
        command.args(["serve", "--output", "json"]).args(ANY_PORTS).args(arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let summary = serde_json::from_str(&line).unwrap();
        Self { process, stdout, summary }
    }

    /// Asks it to stop; answers its exit code and what else it wrote.
    fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
        let code = self.process.wait().unwrap().code();
        (code, std::io::read_to_string(&mut self.stdout).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_says_where_it_is_in_one_json_line_and_ends_with_0_when_asked_to_stop() {
    let directory = tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(directory.path(), &[]);
        let summary = server.summary.clone();
        for listener in ["http", "grpc", "admin", "ops"] {
            let port = summary[listener].as_str().unwrap().strip_prefix("127.0.0.1:").unwrap();
            assert_ne!(port.parse::<u16>().unwrap(), 0);
        }
        assert_eq!(summary["issuer"], format!("http://{}", summary["http"].as_str().unwrap()));
        assert!(Path::new(summary["data_dir"].as_str().unwrap()).is_absolute());
        assert!(Path::new(summary["admin_token_file"].as_str().unwrap()).is_file());
        assert_eq!(summary.get("dev"), None);

        let (code, more) = server.stop(signal);
        assert_eq!((code, more.as_str()), (Some(0), ""));
    }
}

#[test]
fn what_it_makes_is_readable_by_its_user_alone() {
    let directory = tempdir().unwrap();
    let _server = Server::start(directory.path(), &[]);
    let mode = |name: &str| std::fs::metadata(directory.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("jeton-data"), 0o700);
    assert_eq!(mode("jeton-data/master-key"), 0o600);
    assert_eq!(mode("jeton-data/admin-token"), 0o600);
}

#[test]
fn the_commands_on_the_same_machine_find_it() {
    let directory = tempdir().unwrap();
    let _server = Server::start(directory.path(), &[]);
    let command = |arguments: &[&str]| answer(jeton(directory.path()).args(arguments));

    assert_eq!(command(&["healthcheck"]).stdout, "status  serving\n");
    let created = command(&[
        "client",
        "create",
        "--name",
        "billing",
        "--grant-type",
        "client_credentials",
        "--scope",
        "read write",
        "--output",
        "json",
    ]);
    assert_eq!((created.code, created.stderr.as_str()), (0, ""));
    let client: Value = serde_json::from_str(&created.stdout).unwrap();
    let client_id = client["client_id"].as_str().unwrap();
    assert!(client["client_secret"].is_string());

    assert_eq!(command(&["client", "permit", client_id, "--permission", "introspect_any"]).code, 0);
    assert_eq!(command(&["client", "disable", client_id]).code, 0);
    let shown: Value = serde_json::from_str(&command(&["client", "get", client_id, "--output", "json"]).stdout).unwrap();
    assert_eq!(shown["disabled"], true);
    assert_eq!(shown["permissions"], serde_json::json!(["introspect_any"]));
    assert_eq!(shown.get("client_secret"), None);

    assert_eq!(command(&["workspace", "create", "acme", "--access-token-lifetime", "60"]).code, 0);
    assert_eq!(command(&["user", "create", "--username", "alice", "--workspace", "acme"]).code, 0);
    assert!(command(&["user", "list", "--workspace", "acme"]).stdout.contains("alice"));
    assert!(!command(&["user", "list"]).stdout.contains("alice"));
    let rotated: Value = serde_json::from_str(&command(&["key", "rotate", "--output", "json"]).stdout).unwrap();
    assert_eq!(rotated["state"], "announced");
    assert!(rotated["active_from"].is_string());
    assert_eq!(command(&["workspace", "delete", "acme", "--yes"]).code, 0);
    assert_eq!(command(&["workspace", "get", "acme"]).code, 1);
}

/// The secrets of an earlier start are not known any more, so a restart makes new ones.
#[test]
fn development_mode_seeds_once_and_renews_the_secrets() {
    let directory = tempdir().unwrap();
    let server = Server::start(directory.path(), &["--dev"]);
    let first = server.summary["dev"].clone();
    assert_eq!(server.stop(Signal::TERM).0, Some(0));
    let server = Server::start(directory.path(), &["--dev"]);
    let second = server.summary["dev"].clone();

    for client in ["service", "web", "login"] {
        assert_eq!(first[client]["client_id"], second[client]["client_id"]);
        assert_ne!(first[client]["client_secret"], second[client]["client_secret"]);
    }
    let clients = answer(jeton(directory.path()).args(["client", "list", "--output", "json"]));
    let clients: Value = serde_json::from_str(&clients.stdout).unwrap();
    assert_eq!(clients.as_array().unwrap().len(), 3);
}

#[test]
fn a_second_server_on_one_data_directory_is_refused() {
    let directory = tempdir().unwrap();
    let _server = Server::start(directory.path(), &[]);
    let refused = answer(jeton(directory.path()).arg("serve").args(ANY_PORTS));
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("error: "), "{}", refused.stderr);
}

#[test]
fn a_taken_port_ends_with_2_and_names_the_setting() {
    let directory = tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let setting = format!("listen.http={}", taken.local_addr().unwrap());
    let refused = answer(jeton(directory.path()).arg("serve").args(ANY_PORTS).args(["--set", &setting]));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("set listen.http"), "{}", refused.stderr);
}
