//! Starts everything, and stops it in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::types::entropy::{Entropy, OsEntropy};
use crate::types::time::{Clock, SystemClock};

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
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    /// The default workspace's issuer.
    pub issuer: String,
    /// The file that holds the admin token, unless it was supplied.
    pub admin_token_file: Option<PathBuf>,
    /// Whether this is the first start in its data directory.
    pub created: bool,
}

impl Running {
    /// Resolves when the store has failed.
    pub async fn failed(&self) {
        std::future::pending().await
    }

    /// Stops taking requests, finishes those that were begun, and closes the store.
    ///
    /// # Errors
    /// When the store cannot be closed.
    pub async fn shutdown(self) -> Result<(), StartError> {
        Ok(())
    }
}

/// Starts a server.
///
/// # Errors
/// When an address is taken, or the store cannot be opened.
pub async fn start(_config: Config, _ports: Ports, _options: StartOptions) -> Result<Running, StartError> {
    Err(StartError { message: "this build has no server yet".to_owned(), exit_code: 1 })
}
