//! A jeton process: started in a directory of its own, and gone when the test is over.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use jeton::pb::v1::authorization_service_client::AuthorizationServiceClient;
use jeton::pb::v1::client_service_client::ClientServiceClient;
use jeton::pb::v1::token_service_client::TokenServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Longer than any answer takes, and shorter than anybody waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server keeps its things.
pub struct Site(TempDir);

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Site {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The server's data directory: the server makes it.
    pub fn data_dir(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A file beside the data directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn admin_token(&self) -> String {
        std::fs::read_to_string(self.data_dir().join("admin-token")).unwrap().trim().to_owned()
    }

    /// The binary with nothing of this process's environment that could change what it does.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("JETON_DATA_DIR", self.data_dir());
        for listener in ["HTTP", "GRPC", "ADMIN", "OPS"] {
            command.env(format!("JETON_{listener}_ADDR"), "127.0.0.1:0");
        }
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        run(self.command(arguments))
    }

    /// Runs a command that succeeds, and reads its one JSON value.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stderr, "", "{arguments:?}");
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Runs a command to its end that is given a text on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let file = self.file("input");
        std::fs::write(&file, input).unwrap();
        let output = self.command(arguments).stdin(File::open(&file).unwrap()).output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same for a command that succeeds, and its one JSON value.
    pub fn json_with_input(&self, arguments: &[&str], input: &str) -> Value {
        let outcome = self.run_with_input(&[arguments, &["--output", "json"]].concat(), input);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {outcome:?}");
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Starts `jeton serve` with more arguments, and waits until it serves.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        self.begin(arguments).ready()
    }

    /// Starts `jeton serve`, and waits for nothing.
    pub fn begin(&self, arguments: &[&str]) -> Starting {
        start(self.command(&[&["serve", "--output", "json"], arguments].concat()), &self.file("log"))
    }
}

/// Runs a command to its end.
pub fn run(mut command: Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts a server that logs to a file.
pub fn start(mut command: Command, log: &Path) -> Starting {
    let file = File::create(log).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    Starting { process: Process(child), lines, log: log.to_owned() }
}

/// A process that does not outlive its test.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

/// A server that may not serve yet.
pub struct Starting {
    pub process: Process,
    pub lines: Receiver<String>,
    log: PathBuf,
}

impl Starting {
    /// The next line on stdout; none when there are no more.
    pub fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the server says nothing: {}", self.log()),
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits for the end of the process: when its stdout ends, it does.
    pub fn end(mut self) -> ExitStatus {
        while self.line().is_some() {}
        self.process.0.wait().unwrap()
    }

    /// Waits until it serves.
    pub fn ready(self) -> Server {
        let Some(line) = self.line() else {
            let log = self.log();
            panic!("the server did not start: {:?} {log}", self.end());
        };
        Server { summary: serde_json::from_str(&line).unwrap(), starting: self }
    }
}

/// A server that serves.
pub struct Server {
    /// What it said of itself.
    pub summary: Value,
    starting: Starting,
}

impl Server {
    /// A listener's address.
    pub fn address(&self, listener: &str) -> String {
        self.summary[listener].as_str().unwrap().to_owned()
    }

    /// A URL of the REST listener.
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address("http"))
    }

    /// A URL of the listener for operations.
    pub fn ops(&self, path: &str) -> String {
        format!("http://{}{path}", self.address("ops"))
    }

    /// The value of a metric with these labels; none before it is first counted.
    pub async fn metric(&self, name_and_labels: &str) -> Option<String> {
        let metrics = reqwest::get(self.ops("/metrics")).await.unwrap().text().await.unwrap();
        metrics.lines().find_map(|line| Some(line.strip_prefix(name_and_labels)?.trim().to_owned()))
    }

    /// A connection to a gRPC listener.
    pub async fn channel(&self, listener: &str) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address(listener))).unwrap();
        endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect().await.unwrap()
    }

    pub fn log(&self) -> String {
        self.starting.log()
    }

    pub fn signal(&self, signal: Signal) {
        self.starting.process.signal(signal);
    }

    /// Asks the process to end, and waits until it did.
    pub fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.end()
    }

    /// Waits for the end of the process.
    pub fn end(self) -> ExitStatus {
        self.starting.end()
    }

    /// kill -9, and waits until the process is gone.
    pub fn kill(self) {
        drop(self);
    }
}

/// Presents an `authorization` with every call.
#[derive(Clone)]
pub struct Authorization(MetadataValue<Ascii>);

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// The gRPC services as their callers see them.
#[derive(Clone)]
pub struct Callers {
    pub token: TokenServiceClient<Channel>,
    pub clients: ClientServiceClient<InterceptedService<Channel, Authorization>>,
    pub authorization: AuthorizationServiceClient<InterceptedService<Channel, Authorization>>,
}

impl Callers {
    /// Connects: for tokens to the public listener, for the rest to that of the operators.
    pub async fn connect(site: &Site, server: &Server) -> Self {
        Self::with_token(&site.admin_token(), server).await
    }

    /// The same with an admin token that the site has not.
    pub async fn with_token(admin_token: &str, server: &Server) -> Self {
        let bearer = Authorization(format!("Bearer {admin_token}").parse().unwrap());
        let admin = InterceptedService::new(server.channel("admin").await, bearer);
        Self {
            token: TokenServiceClient::new(server.channel("grpc").await),
            clients: ClientServiceClient::new(admin.clone()),
            authorization: AuthorizationServiceClient::new(admin),
        }
    }
}
