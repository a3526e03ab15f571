//! Floor 5: the wiring of a server.

pub mod listener;
pub mod ops;
pub mod start;
pub mod telemetry;
