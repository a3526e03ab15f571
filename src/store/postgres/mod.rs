//! The shared store: PostgreSQL, for any number of replicas.

mod connect;
pub mod migrate;
mod options;
mod server_settings;
mod tls;
pub mod url;

pub use options::PostgresOptions;
