//! The test binary.

// clippy.toml allows these in test functions, but not in what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binary;
mod browser;
mod cli;
mod gateway;
mod grant_model;
mod interfaces;
mod listener;
mod policy_properties;
mod properties;
mod protocol;
mod replicas;
mod store;
mod support;
mod tidy;
