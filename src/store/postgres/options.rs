//! How a shared store is reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::types::entropy::{Entropy, OsEntropy};
use crate::types::secret::Secret;
use crate::types::time::{Clock, SystemClock};

/// What a store on PostgreSQL needs to know.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host:5432,host2:5432/database?…`, as libpq writes it; its password, if it has one, is a
    /// secret.
    pub url: Secret,
    /// In place of one in the URL.
    pub password: Option<Secret>,
    /// PEM certificates of the authorities that the server's may be of; `None` for those of the system.
    pub authorities: Option<Vec<u8>>,
    /// How many connections carry the operations.
    pub connections: usize,
    /// The longest that an operation may take, waits for a connection included.
    pub timeout: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Names writers; nothing secret.
    pub entropy: Arc<dyn Entropy>,
}

impl PostgresOptions {
    /// What suits a server.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            password: None,
            authorities: None,
            connections: 6,
            timeout: Duration::from_secs(3),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("connections", &self.connections).finish_non_exhaustive()
    }
}
