//! The test binary.

// clippy.toml allows these in test functions, but not in what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binary;
mod cli;
mod gateway;
mod grant_model;
mod listener;
mod properties;
mod protocol;
mod store;
mod support;
mod tidy;
