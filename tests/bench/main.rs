//! The figures: `cargo bench` for all of them, `cargo bench -- NAME…` for some.
//!
//! Every figure is a ratio to a bare server that is written here, taken in alternating segments of one
//! run, so that a noisy machine is noisy for both; or the size, memory or start of the real binary.

// clippy.toml allows these in test functions; whatever fails here ends the measurement.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bare;
mod load;
mod postgres;
mod process;
mod report;
mod rest;
mod server;
mod store;
mod token;

/// The real server of the tests; not all that they use of it is needed here.
#[allow(dead_code)]
#[path = "../it/support"]
mod support {
    pub mod postgres;
    pub mod proxy;
}

use report::Report;

fn main() {
    // cargo itself adds --bench.
    let names: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if names.first().is_some_and(|name| name == bare::ARGUMENT) {
        return bare::serve(&names);
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut report = Report::default();
    if wanted("process") {
        process::run(&mut report);
    }
    if wanted("token") {
        token::run(&mut report);
    }
    if wanted("latency") {
        token::latency(&mut report);
    }
    if wanted("rest") {
        rest::run(&mut report);
    }
    if wanted("store") {
        store::run(0);
    }
    if wanted("postgres") {
        postgres::run(&mut report);
    }
    // Takes a minute to fill.
    if names.iter().any(|name| name == "store-million") {
        store::run(1_000_000);
    }
    report.print();
}
