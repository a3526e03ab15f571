//! The store: the contract that every adapter keeps, and what the embedded one adds.

mod codec;
#[macro_use]
mod contract;
mod sample;
mod sled;
