//! jeton: an OAuth 2 token service.
//!
//! The floors, from the ground up; imports go down only:
//!
//! | floor | modules | idea |
//! |---|---|---|
//! | 0 | [`types`] | the words of the field, checked when they are made |
//! | 1 | [`store`], [`keys`], [`upstream`] | what is kept, what signs and seals, and whom jeton asks |
//! | 2 | [`engine`] | the rules of OAuth, readable beside the RFC |
//! | 3 | [`grpc`] | protobuf to types and back |
//! | 4 | [`gateway`] | HTTP in, gRPC calls out |
//! | 5 | [`config`], [`server`], [`cli`] | layers of settings, wiring, commands |
//!
//! [`pb`] is generated from `proto/` and stands beside the floors.

pub mod cli;
pub mod config;
pub mod engine;
pub mod gateway;
pub mod grpc;
pub mod keys;
pub mod pb;
pub mod server;
pub mod store;
pub mod types;
pub mod upstream;
