//! A store on PostgreSQL as an operator meets it: its URL, its certificate, its settings and its schema.

mod certificates;
mod schema;
mod serve;
mod server_settings;
mod urls;

use jeton::store::StoreError;
use jeton::store::postgres::migrate::{Outcome, migrate};
use jeton::store::postgres::{PostgresOptions, PostgresStore};
use jeton::types::secret::Secret;

/// How a database at a URL is reached.
fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(Secret::new(url.to_owned()))
}

/// Migrates without telling anybody.
async fn migrated(options: &PostgresOptions) -> Result<Outcome, StoreError> {
    migrate(options, &mut |_| ()).await
}

/// Why the store of a URL is not opened.
async fn refusal(options: PostgresOptions) -> String {
    PostgresStore::open(options).await.err().expect("the store is refused").to_string()
}
