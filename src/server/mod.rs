//! Floor 5: the wiring of a server.

pub mod background;
pub mod core_dumps;
pub mod deadline;
pub mod grpc_routes;
pub mod listener;
pub mod moving;
pub mod ops;
pub mod secrets;
pub mod start;
pub mod stores;
pub mod telemetry;
