//! Floor 5: what listens.

pub mod listener;
pub mod ops;
