//! The store: the contract that every adapter keeps, and what each one adds.

// clippy's exception for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod codec;
#[macro_use]
mod contract;
mod growth;
pub mod moving;
mod moving_postgres;
mod postgres;
pub mod sample;
mod shared;
mod sled;
