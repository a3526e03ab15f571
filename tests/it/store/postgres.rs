//! What the shared store adds to the contract.

use std::sync::Arc;

use jeton::store::postgres::{PostgresOptions, PostgresStore, migrate};
use jeton::types::secret::Secret;

use crate::store::contract::Fresh;
use crate::support::postgres::database;

async fn fresh() -> Fresh {
    let database = database().await;
    let options = PostgresOptions::new(Secret::new(database.url()));
    migrate::migrate(&options, &mut |_| ()).await.unwrap();
    let store = PostgresStore::open(options).await.unwrap();
    Fresh { store: Arc::new(store), _kept: Box::new(database) }
}

contract!(fresh);
