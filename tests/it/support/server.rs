//! A whole server on free ports, with a clock that tests move.

use std::path::Path;
use std::sync::Arc;

use jeton::config::{Config, Sources};
use jeton::engine::Engine;
use jeton::server::start::{Addresses, Ports, Running, StartOptions, start};
use jeton::types::entropy::{Entropy, OsEntropy, SeededEntropy};
use jeton::types::time::{ManualClock, UnixSeconds};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// When every test begins: 14 November 2023, 22:13:20 UTC.
pub const START: i64 = 1_700_000_000;
/// The issuer of the default workspace, whatever port the server listens on.
pub const ISSUER: &str = "https://id.example.org";

/// A server that runs in this process.
pub struct Server {
    running: Running,
    data: TempDir,
    entropy: Arc<dyn Entropy>,
    settings: Vec<String>,
    /// What the server takes for the time.
    pub clock: Arc<ManualClock>,
    /// Follows no redirect.
    pub http: reqwest::Client,
    /// What operators present.
    pub admin_token: String,
    public: Channel,
    admin: Channel,
}

impl Server {
    /// A server with the default settings.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with other settings, each `section.key=value`.
    pub async fn with(settings: &[&str]) -> Self {
        Self::over(TempDir::new().unwrap(), Arc::new(OsEntropy), Self::clock(), owned(settings)).await
    }

    /// A server that makes the same secrets in every run.
    pub async fn seeded() -> Self {
        Self::over(TempDir::new().unwrap(), Arc::new(SeededEntropy::new(1)), Self::clock(), Vec::new()).await
    }

    /// Stops in order and starts again on the same data, at the same time.
    pub async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// The same, and looks at the data directory while nobody has it.
    pub async fn restart_after(self, look: impl FnOnce(&Path)) -> Self {
        let Self { running, data, entropy, settings, clock, http, public, admin, .. } = self;
        drop((http, public, admin));
        running.shutdown().await.unwrap();
        look(data.path());
        Self::over(data, entropy, clock, settings).await
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UnixSeconds(START)))
    }

    async fn over(data: TempDir, entropy: Arc<dyn Entropy>, clock: Arc<ManualClock>, settings: Vec<String>) -> Self {
        let mut flags =
            owned(&["listen.http", "listen.grpc", "listen.admin", "listen.ops"].map(|key| format!("{key}=127.0.0.1:0")));
        flags.push(format!("data_dir={}", data.path().display()));
        flags.push(format!("issuer={ISSUER}"));
        flags.extend(owned(&["store.min_free_bytes=0", "store.cache_bytes=1048576"]));
        flags.extend(settings.iter().cloned());
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let ports = Ports { clock: clock.clone(), entropy: entropy.clone() };
        let running = start(config, ports, StartOptions::default()).await.unwrap();
        let token_file = running.admin_token_file.as_ref().unwrap();
        let admin_token = std::fs::read_to_string(token_file).unwrap().trim().to_owned();
        let channel = |address| Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let (public, admin) = (channel(running.addresses.grpc), channel(running.addresses.admin));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { running, data, entropy, settings, clock, http, admin_token, public, admin }
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.running.addresses
    }

    /// Where it keeps everything.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// The rules, for what no surface offers: the key schedule.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.running.engine
    }

    /// A URL of the REST listener.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addresses.http)
    }

    /// The gRPC listener for everybody.
    pub fn public(&self) -> Channel {
        self.public.clone()
    }

    /// The gRPC listener for operators.
    pub fn admin(&self) -> Channel {
        self.admin.clone()
    }

    /// A message with the admin token in its metadata.
    pub fn as_admin<T>(&self, message: T) -> tonic::Request<T> {
        with_authorization(message, &format!("Bearer {}", self.admin_token))
    }
}

/// A message with `authorization` metadata.
pub fn with_authorization<T>(message: T, authorization: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    request
}

fn owned(texts: &[impl ToString]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
