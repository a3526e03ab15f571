//! What the protocol tests share: a whole server in this process, and clients for both its surfaces.

pub mod clients;
mod fixture;
pub mod jwt;
pub mod log;
pub mod postgres;
pub mod proxy;
pub mod server;
pub mod surface;
pub mod web;
