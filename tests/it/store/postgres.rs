//! What the shared store adds to the contract: many processes on one database, connections that fail, servers that end.

mod contention;
mod lost_answers;
mod outages;
mod processes;
mod scale;
mod standby;

use std::sync::Arc;
use std::time::Duration;

use jeton::store::grant::{Grant, Step, transition};
use jeton::store::postgres::{PostgresOptions, PostgresStore};
use jeton::store::{Store, StoreError};
use jeton::types::ids::GrantId;
use jeton::types::secret::Secret;
use jeton::types::time::ManualClock;

use crate::store::contract::Fresh;
use crate::store::sample::{NOW, WORKSPACE};
use crate::support::postgres::{Database, migrated};

async fn fresh() -> Fresh {
    let database = migrated().await;
    Fresh { store: Arc::new(open(&database).await), _kept: Box::new(database) }
}

contract!(fresh);

/// A store as one more replica opens it.
async fn open(database: &Database) -> PostgresStore {
    let clock = Arc::new(ManualClock::at(NOW));
    PostgresStore::open(PostgresOptions { clock, ..PostgresOptions::new(Secret::new(database.url())) }).await.unwrap()
}

/// A store whose callers wait for so long.
async fn open_waiting(url: &str, timeout: Duration) -> PostgresStore {
    let clock = Arc::new(ManualClock::at(NOW));
    let options = PostgresOptions { timeout, clock, ..PostgresOptions::new(Secret::new(url.to_owned())) };
    PostgresStore::open(options).await.unwrap()
}

/// Runs a step of a grant that is there.
async fn run<T>(store: &dyn Store, id: GrantId, step: impl FnMut(&Grant) -> Step<T> + Send) -> Result<T, StoreError> {
    let loaded = store.grant(WORKSPACE, id).await?.unwrap();
    Ok(transition(store, WORKSPACE, id, loaded, step).await?.unwrap())
}
