//! The figures: `cargo bench` for all of them, `cargo bench -- NAME…` for some.

// clippy.toml allows these in tests, and a benchmark is none to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod store;

fn main() {
    // cargo itself adds --bench.
    let names: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if wanted("store") {
        store::run(0);
    }
    // Takes a minute to fill.
    if names.iter().any(|name| name == "store-million") {
        store::run(1_000_000);
    }
}
