//! The store: the contract that every adapter keeps, and what each one adds.

// clippy's exception for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod codec;
#[macro_use]
mod contract;
mod growth;
mod moving;
mod postgres;
mod sample;
mod shared;
mod sled;
