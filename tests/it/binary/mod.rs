//! The whole binary from outside: processes, signals, files and printed lines.

mod commands;
pub mod kill;
mod lifecycle;
mod look;
mod moving;
mod people;
mod policies;
mod presets;
mod printed;
mod refusals;
pub mod server;
