//! Starts everything, and stops it in order.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::config::Config;
use crate::config::error::ConfigError;
use crate::engine::Engine;
use crate::engine::opening::{CannotStart, Means};
use crate::gateway::{self, Services};
use crate::grpc::pages::application::ApplicationApi;
use crate::grpc::pages::interaction::InteractionApi;
use crate::server::background::{follow_feed, keep_policy_uses, measure, report, report_health, upkeep};
use crate::server::deadline::DeadlineLayer;
use crate::server::grpc_routes::{self, Common, PublicApis};
use crate::server::listener::{Limits, Listener};
use crate::server::ops::{self, Readiness};
use crate::server::secrets::{admin_token, master_key, replace};
use crate::server::stores;
use crate::server::telemetry;
use crate::store::{Health, Store, StoreError};
use crate::types::entropy::{Entropy, OsEntropy};
use crate::types::time::{Clock, SystemClock};
use crate::upstream::CredentialCheck;
use crate::upstream::credential_check::{Options as HookOptions, RemoteCredentialCheck};

/// Where the commands on the same machine find a server's addresses, in the data directory.
pub const ENDPOINTS_FILE: &str = "endpoints.json";

/// What the server takes from outside.
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Ports {
    /// Those of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
    }
}

/// How to start.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartOptions {
    /// Start although the store has lost what it promised to keep.
    pub accept_loss: bool,
    /// The server is for trying things: it makes what an operator would supply, and migrates a shared store.
    pub development: bool,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    message: String,
    exit_code: u8,
}

impl StartError {
    /// What the process ends with: 1, 2 for the configuration, 3 for a damaged store.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    pub(super) fn damaged(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 3 }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 1 }
    }

    fn address(key: &str, address: SocketAddr, cause: &io::Error) -> Self {
        let message = format!("cannot listen on {address}: {cause}; set listen.{key}, or stop what uses the port");
        Self { message, exit_code: 2 }
    }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self { message: error.to_string(), exit_code: 2 }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        let exit_code = match error {
            StoreError::Damaged { .. } => 3,
            StoreError::Refused(_) | StoreError::Unavailable(_) | StoreError::TooLarge { .. } => 1,
        };
        Self { message: error.to_string(), exit_code }
    }
}

impl From<CannotStart> for StartError {
    fn from(error: CannotStart) -> Self {
        match error {
            CannotStart::Store(error) => error.into(),
            CannotStart::OtherMasterKey => Self { message: error.to_string(), exit_code: 2 },
            CannotStart::NoEntropy(_) | CannotStart::Other(_) => Self::failed(error.to_string()),
        }
    }
}

/// Where the server listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// REST.
    pub http: SocketAddr,
    /// gRPC for everybody.
    pub grpc: SocketAddr,
    /// gRPC for operators.
    pub admin: SocketAddr,
    /// Metrics and health.
    pub ops: SocketAddr,
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    /// The default workspace's issuer.
    pub issuer: String,
    /// The file that holds the admin token, unless it was supplied.
    pub admin_token_file: Option<PathBuf>,
    /// Whether this is the first start in its data directory.
    pub created: bool,
    /// The rules, for what runs in the same process.
    pub engine: Arc<Engine>,
    store: Arc<dyn Store>,
    reporter: tonic_health::server::HealthReporter,
    draining: watch::Sender<bool>,
    listeners: JoinSet<()>,
    background: JoinSet<()>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addresses", &self.addresses).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Running {
    /// Resolves when the store has failed.
    pub async fn failed(&self) {
        let mut health = self.store.health();
        let failed = health.wait_for(|health| matches!(health, Health::Failed(_))).await;
        // A store that is gone will not fail any more.
        if failed.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Stops taking requests, finishes those that were begun, and closes the store.
    ///
    /// # Errors
    /// When the store cannot be closed.
    pub async fn shutdown(mut self) -> Result<(), StartError> {
        report(&self.reporter, false).await;
        self.draining.send_replace(true);
        while self.listeners.join_next().await.is_some() {}
        self.background.shutdown().await;
        // A store that has failed keeps nothing more, and says so when it is closed.
        if let Err(cause) = self.engine.flush_policy_uses().await {
            warn!(%cause, "the latest uses of policies are not kept");
        }
        self.store.close().await?;
        info!("stopped");
        Ok(())
    }
}

/// The bound listeners.
struct Listeners {
    http: Listener,
    grpc: Listener,
    admin: Listener,
    ops: Listener,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let bind = async |key: &'static str, address: SocketAddr| {
            Listener::bind(address).await.map_err(|cause| StartError::address(key, address, &cause))
        };
        Ok(Self {
            http: bind("http", config.listen.http).await?,
            grpc: bind("grpc", config.listen.grpc).await?,
            admin: bind("admin", config.listen.admin).await?,
            ops: bind("ops", config.listen.ops).await?,
        })
    }

    fn addresses(&self) -> Addresses {
        Addresses {
            http: self.http.local_addr(),
            grpc: self.grpc.local_addr(),
            admin: self.admin.local_addr(),
            ops: self.ops.local_addr(),
        }
    }
}

/// Starts a server.  It answers requests when this returns.
///
/// # Errors
/// When an address is taken, or the store or its keys cannot be opened.
pub async fn start(config: Config, ports: Ports, options: StartOptions) -> Result<Running, StartError> {
    if !options.development {
        config.check_shared()?;
    }
    let store = stores::open(&config, &ports, options).await?;
    // Bound after the store's lock is held, so that a second server on the directory hears of the
    // directory and not of the port.
    let listeners = Listeners::bind(&config).await?;
    let addresses = listeners.addresses();
    let created = store.data_keys().await?.is_empty();
    let dir = config.data_dir.as_path();
    let master_key = master_key(config.secrets.master_key.as_ref(), dir, created, &*ports.entropy).map_err(StartError::failed)?;
    let token = admin_token(config.secrets.admin_token.as_ref(), dir, &*ports.entropy);
    let (admin_token, admin_token_file) = token.map_err(StartError::failed)?;

    let mut settings = config.engine_settings();
    settings.issuer = config.issuer_at(addresses.http);
    let issuer = settings.issuer.clone();
    let means = Means {
        store: Arc::clone(&store),
        clock: ports.clock,
        entropy: Arc::clone(&ports.entropy),
        master_key,
        admin_token,
        credential_check: credential_check(&config)?,
    };
    let engine = Arc::new(Engine::open(means, settings).await?);
    write_endpoints(&config, &addresses).map_err(|cause| StartError::failed(format!("{ENDPOINTS_FILE}: {cause}")))?;

    let (draining, drained) = watch::channel(false);
    let (reporter, health) = tonic_health::server::health_reporter();
    report(&reporter, engine.health() == Health::Serving).await;
    let common = Common {
        health,
        reflection: config.reflection,
        message_bytes: config.limits.body_bytes,
        deadline: DeadlineLayer(config.limits.request_timeout),
    };
    let apis = PublicApis::new(&engine);
    let services = services(&engine, &apis);
    let gateway_options = gateway::Options {
        body_bytes: config.limits.body_bytes,
        request_timeout: config.limits.request_timeout,
        trusted_proxies: config.trusted_proxies.clone(),
        ..gateway::Options::new(ports.entropy, issuer.clone())
    };
    let http_limits = Limits {
        connections: u32::try_from(config.limits.connections).unwrap_or(u32::MAX),
        first_byte: config.limits.first_byte_timeout,
        drain: config.limits.drain_timeout,
        ..Limits::default()
    };
    let grpc = Limits::for_grpc();
    let grpc_limits = Limits { protocol: grpc.protocol, streams: grpc.streams, ..http_limits.clone() };

    let mut serving = JoinSet::new();
    serving.spawn(listeners.http.serve(gateway::router(services, gateway_options), http_limits.clone(), drained.clone()));
    serving.spawn(listeners.grpc.serve(grpc_routes::public(&apis, common.clone()), grpc_limits.clone(), drained.clone()));
    serving.spawn(listeners.admin.serve(grpc_routes::admin(&engine, &apis, common), grpc_limits, drained.clone()));
    serving.spawn(listeners.ops.serve(ops_router(&engine, &drained)?, http_limits, drained.clone()));

    let mut background = JoinSet::new();
    background.spawn(follow_feed(Arc::clone(&engine)));
    background.spawn(upkeep(Arc::clone(&engine)));
    background.spawn(measure(Arc::clone(&store)));
    background.spawn(keep_policy_uses(Arc::clone(&engine)));
    background.spawn(report_health(Arc::clone(&engine), reporter.clone(), drained));

    Ok(Running {
        addresses,
        issuer,
        admin_token_file,
        created,
        engine,
        store,
        reporter,
        draining,
        listeners: serving,
        background,
    })
}

/// The operator's own directory, where one is configured.
fn credential_check(config: &Config) -> Result<Option<Arc<dyn CredentialCheck>>, StartError> {
    let Some(hook) = config.credential_check.clone() else { return Ok(None) };
    let options = HookOptions { uri: hook.uri, token: hook.token, timeout: hook.timeout, authorities: hook.authorities };
    match RemoteCredentialCheck::new(&options) {
        Ok(remote) => Ok(Some(Arc::new(remote))),
        Err(error) => Err(StartError { message: error.to_string(), exit_code: 2 }),
    }
}

/// What the gateway calls in process.
fn services(engine: &Arc<Engine>, apis: &PublicApis) -> Services {
    Services {
        token: apis.token.clone(),
        authorization: apis.authorization.clone(),
        metadata: apis.metadata.clone(),
        interaction: Arc::new(InteractionApi::new(Arc::clone(engine))),
        application: Arc::new(ApplicationApi::new(Arc::clone(engine))),
    }
}

fn ops_router(engine: &Arc<Engine>, draining: &watch::Receiver<bool>) -> Result<axum::Router, StartError> {
    let handle = telemetry::metrics().map_err(|error| StartError::failed(error.to_string()))?;
    let (engine, draining) = (Arc::clone(engine), draining.clone());
    let ready = move || match *draining.borrow() {
        true => Readiness::NotReady("the server is stopping".to_owned()),
        false => Readiness::of(engine.health()),
    };
    Ok(ops::router(Arc::new(move || handle.render()), Arc::new(ready)))
}

/// Says where the server is, for the commands on the same machine.
fn write_endpoints(config: &Config, addresses: &Addresses) -> io::Result<()> {
    let url = |address: SocketAddr| format!("http://{address}");
    let endpoints = json!({
        "http": url(addresses.http),
        "grpc": url(addresses.grpc),
        "admin": url(addresses.admin),
        "ops": url(addresses.ops),
    });
    replace(&config.data_dir.join(ENDPOINTS_FILE), &format!("{endpoints}\n"))
}
