//! Which store the configuration means, and what is done to it before it is opened.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use tracing::info;

use crate::config::Config;
use crate::config::store::{PostgresConfig, StoreKind};
use crate::server::start::{Ports, StartError, StartOptions};
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sled::{SledOptions, SledStore};
use crate::store::{Store, StoreError};

pub use crate::store::postgres::migrate::{Migration, Outcome, Progress};

/// Opens the store.  In development the schema of a shared one is brought up to date first.
///
/// # Errors
/// When it cannot be opened as it is.
pub async fn open(config: &Config, ports: &Ports, start: StartOptions) -> Result<Arc<dyn Store>, StartError> {
    match &config.store.kind {
        StoreKind::Postgres(postgres) => {
            make_directory(&config.data_dir).map_err(|cause| {
                StoreError::Refused(format!("the data directory {} cannot be made: {cause}", config.data_dir.display()))
            })?;
            let options = postgres_options(postgres, ports);
            if start.development {
                crate::store::postgres::migrate::migrate(&options, &mut log).await?;
            }
            Ok(Arc::new(PostgresStore::open(options).await?))
        }
        StoreKind::Sled => {
            let options = SledOptions {
                cache_bytes: config.store.cache_bytes,
                min_free_bytes: config.store.min_free_bytes,
                accept_loss: start.accept_loss,
                ..SledOptions::new(&config.data_dir)
            };
            let opened = tokio::task::spawn_blocking(move || SledStore::open(options)).await;
            Ok(Arc::new(opened.map_err(|cause| StartError::damaged(format!("the store cannot be opened: {cause}")))??))
        }
    }
}

/// Brings the schema of a shared store up to date.
///
/// # Errors
/// When the database cannot be reached, is not to be used, or somebody is in the way.
pub async fn migrate(postgres: &PostgresConfig, report: &mut (dyn FnMut(Progress) + Send)) -> Result<Outcome, StartError> {
    Ok(crate::store::postgres::migrate::migrate(&postgres_options(postgres, &Ports::system()), report).await?)
}

/// What [`migrate`] would do.
///
/// # Errors
/// As [`migrate`].
pub async fn pending(postgres: &PostgresConfig) -> Result<Outcome, StartError> {
    Ok(crate::store::postgres::migrate::pending(&postgres_options(postgres, &Ports::system())).await?)
}

/// How the shared store is reached.
pub fn postgres_options(config: &PostgresConfig, ports: &Ports) -> PostgresOptions {
    PostgresOptions {
        password: config.password.clone(),
        authorities: config.authorities.as_ref().map(|pem| pem.clone().into_bytes()),
        connections: config.connections,
        timeout: config.timeout,
        clock: Arc::clone(&ports.clock),
        entropy: Arc::clone(&ports.entropy),
        ..PostgresOptions::new(config.url.clone())
    }
}

/// Where the admin token and the addresses are, which are of one replica.
fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn log(progress: Progress) {
    match progress {
        Progress::Waiting(whom) => info!("the migration waits for {whom}"),
        Progress::Applying(_) => {}
        Progress::Applied(step) => info!(number = step.number, name = step.name, "the schema was migrated"),
    }
}
