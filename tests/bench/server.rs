//! A server as a process of its own: its addresses, its CPU time and its memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jeton::pb::v1::client_service_client::ClientServiceClient;
use jeton::pb::v1::{ClientMetadata, GrantType, RegisterClientRequest};
use serde_json::Value;
use tempfile::TempDir;
use tonic::Request;

use crate::bare;

/// The real binary, built like this benchmark.
pub const JETON: &str = env!("CARGO_BIN_EXE_jeton");

/// What every caller asks for; two of three scopes, as clients do.
pub const SCOPE: &str = "read write";

/// A running server; killed when it is dropped.
pub struct Server {
    process: Child,
    /// Its first line of output.
    pub greeting: String,
}

impl Server {
    fn spawn(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut greeting = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
        Self { process, greeting }
    }

    /// The CPU time of its threads until now.
    pub fn cpu(&self) -> Duration {
        // What stat tells in ticks of 10 ms, schedstat tells in nanoseconds.
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let run = |schedstat: String| schedstat.split(' ').next().unwrap().parse::<u64>().unwrap();
        // A thread that ends in between is one that did nothing.
        let times = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("schedstat")).ok().map(run));
        Duration::from_nanos(times.sum())
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What an operator presents to a server on a shared store; the embedded one makes its own.
const ADMIN_TOKEN: &str = "an-admin-token-of-the-benchmark-00000000";
/// 32 bytes in base64.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The real server with an empty store.
pub struct Jeton {
    /// Its process.
    pub server: Server,
    summary: Value,
    admin_token: String,
    _dir: TempDir,
}

impl Jeton {
    /// Starts it on the embedded store; it answers requests when this returns.
    pub fn start(workers: usize) -> Self {
        Self::launch(workers, &[])
    }

    /// The same on a database.
    pub fn on(url: &str, workers: usize) -> Self {
        // The issuer is that of every replica.
        let ours =
            [("STORE", url), ("ADMIN_TOKEN", ADMIN_TOKEN), ("MASTER_KEY", MASTER_KEY), ("ISSUER", "http://127.0.0.1:8080")];
        Self::launch(workers, &ours)
    }

    fn launch(workers: usize, environment: &[(&str, &str)]) -> Self {
        // Beside the build, not in a temporary directory, which may be in memory.
        let dir = tempfile::Builder::new().prefix("bench-serve-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut command = Command::new(JETON);
        command.args(["serve", "--output", "json"]).env("JETON_DATA_DIR", dir.path());
        for listener in ["http", "grpc", "admin", "ops"] {
            command.args(["--set", &format!("listen.{listener}=127.0.0.1:0")]);
        }
        command.args(["--set", &format!("runtime.workers={workers}")]);
        command.envs(environment.iter().map(|(name, value)| (format!("JETON_{name}"), value)));
        let server = Server::spawn(&mut command);
        let summary: Value = serde_json::from_str(&server.greeting).expect("jeton serve did not start");
        let admin_token = match summary["admin_token_file"].as_str() {
            Some(file) => fs::read_to_string(file).unwrap().trim().to_owned(),
            None => ADMIN_TOKEN.to_owned(),
        };
        Self { server, summary, admin_token, _dir: dir }
    }

    /// Where one of its listeners is.
    pub fn address(&self, listener: &str) -> SocketAddr {
        self.summary[listener].as_str().unwrap().parse().unwrap()
    }

    /// Registers a client for client_credentials.
    pub async fn register(&self) -> Credentials {
        let bearer = format!("Bearer {}", self.admin_token);
        let mut clients = ClientServiceClient::connect(format!("http://{}", self.address("admin"))).await.unwrap();
        let metadata = ClientMetadata {
            client_name: "benchmark".to_owned(),
            grant_types: vec![GrantType::ClientCredentials.into()],
            scope: "read write delete".to_owned(),
            ..ClientMetadata::default()
        };
        let mut request = Request::new(RegisterClientRequest {
            workspace: String::new(),
            metadata: Some(metadata),
            ..RegisterClientRequest::default()
        });
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        let registered = clients.register_client(request).await.unwrap().into_inner();
        Credentials { client_id: registered.client.unwrap().client_id, client_secret: registered.client_secret }
    }
}

/// Who asks for tokens.
#[derive(Clone)]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: String,
}

/// A server that is written in this benchmark, which signs claims as long as those of `token`.
pub struct Bare {
    /// Its process.
    pub server: Server,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Bare {
    /// Starts one; it answers requests when this returns.
    pub fn start(kind: &str, workers: usize, token: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([bare::ARGUMENT, kind, &workers.to_string(), token]);
        let server = Server::spawn(&mut command);
        let address = server.greeting.trim().parse().unwrap();
        Self { server, address }
    }
}
