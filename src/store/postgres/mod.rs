//! The shared store: PostgreSQL, for any number of replicas.

mod options;

pub use options::PostgresOptions;
