//! The whole binary from outside: processes, signals, files and printed lines.

mod kill;
mod server;
