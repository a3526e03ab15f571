//! `jeton.admin.v1`: the operators' services.

pub mod client;
pub mod key;
pub mod policy;
pub mod scope;
pub mod user;
pub mod workspace;
