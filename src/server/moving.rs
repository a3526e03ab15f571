//! Moves a deployment: everything out of the configured store into a dump, or out of a dump into the store.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::config::store::StoreKind;
use crate::server::start::Ports;
use crate::server::stores::postgres_options;
use crate::store::StoreError;
use crate::store::dump::DumpError;
use crate::store::moving::{Counts, DumpId, Moving, Purpose};
use crate::store::postgres::PostgresMover;
use crate::store::sled::{SledOptions, SledStore};

mod export;
mod import;
mod part;

/// How many records are read or written at once.
const AT_ONCE: usize = 500;

/// How long what a replica began before it noticed may take; its statements end after two seconds.
const FINISHED_AFTER: Duration = Duration::from_secs(2);

/// What has been done, for who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes of the dump were checked, of so many.
    Checked(u64, u64),
    /// So many records are in the dump, or in the store, of so many.
    Moved(u64, u64),
    /// Waits so long, until every server has noticed that the store is moved away.
    Waiting(Duration),
}

/// What became of a move.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Names the dump.
    pub dump: DumpId,
    /// The dump.
    pub file: PathBuf,
    /// How many records of each kind are in it.
    pub counts: Counts,
    /// Whether it was done before, so that nothing was left to do.
    pub already: bool,
}

/// Why a move did not happen, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The dump.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// A file cannot be used.
    #[error("{} cannot be used: {cause}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The master key is missing, or another one than that of the dump.
    #[error("{0}")]
    MasterKey(String),
    /// It is not done as things are.
    #[error("{0}")]
    Refused(String),
    /// A record of the store is not what was written.
    #[error("{0}")]
    Damaged(StoreError),
    /// The store.
    #[error("{0}")]
    Store(StoreError),
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { .. } => Self::Damaged(error),
            StoreError::Refused(_) | StoreError::TooLarge { .. } | StoreError::Unavailable(_) => Self::Store(error),
        }
    }
}

impl MoveError {
    fn file(file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::File { file: file.to_owned(), cause }
    }
}

/// Fences the configured store for good, and writes everything in it into `file`; goes on with what an interrupted
/// export has written.
///
/// # Errors
/// When the store or the file cannot be used; running it again goes on.
pub async fn export(
    config: &Config,
    ports: &Ports,
    file: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Moved, MoveError> {
    let store = open(config, ports, Purpose::MoveAway).await?;
    export::export(&*store, ports, notice_time(config), file, progress).await
}

/// Puts everything of the dump `file` into the configured store; goes on with an interrupted import.
///
/// # Errors
/// When the dump is not whole, the master key is another one, the store is in use already, or it fails.  Nothing is
/// written before the whole dump was checked.
pub async fn import(
    config: &Config,
    ports: &Ports,
    file: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Moved, MoveError> {
    let checked = import::check(config, ports, file, progress)?;
    let store = open(config, ports, Purpose::MoveInto).await?;
    import::import(&*store, file, &checked, progress).await
}

async fn open(config: &Config, ports: &Ports, purpose: Purpose) -> Result<Box<dyn Moving>, MoveError> {
    match &config.store.kind {
        StoreKind::Postgres(postgres) => Ok(Box::new(PostgresMover::open(postgres_options(postgres, ports), purpose).await?)),
        StoreKind::Sled => {
            let options = SledOptions {
                cache_bytes: config.store.cache_bytes,
                min_free_bytes: config.store.min_free_bytes,
                purpose,
                ..SledOptions::new(&config.data_dir)
            };
            let opened = tokio::task::spawn_blocking(move || SledStore::open(options)).await;
            let opened = opened.map_err(|cause| MoveError::Refused(format!("the store cannot be opened: {cause}")))?;
            Ok(Box::new(opened?))
        }
    }
}

/// How long servers may go on before they notice a fence.
fn notice_time(config: &Config) -> Duration {
    match config.store.kind {
        StoreKind::Postgres(_) => config.store.staleness.saturating_add(FINISHED_AFTER),
        // One process at a time.
        StoreKind::Sled => Duration::ZERO,
    }
}
