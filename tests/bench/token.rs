//! Figures 1, 2 and 7: a client_credentials token over gRPC, beside a bare tonic server that signs.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::load::{CALLERS, Load, Target};
use crate::report::{Report, Rounds};
use crate::server::{Bare, Jeton};

/// Many short ones: what disturbs the machine then seldom falls on one side alone.
const ROUNDS: usize = 41;
const CALLS: usize = 4_000;

/// Measures figures 1 and 2.
pub fn run(report: &mut Report) {
    let cores = std::thread::available_parallelism().unwrap().get();
    let (cpu, _) = compare("grpc", cores);
    report.add("1", "gRPC client_credentials / bare tonic, server CPU", cpu.spread(), "<= 1.10, at most 1.25");
    // With one worker the server is the limit; with all cores the load would compete with it.
    let (cpu, rate) = compare("grpc", 1);
    report.add("1", "the same with one worker", cpu.spread(), "<= 1.10, at most 1.25");
    report.add("2", "the same in requests/s", rate.spread(), ">= 0.90, at least 0.80");
}

/// Alternates between jeton and a bare server; the ratios of CPU time and of rate.
pub fn compare(kind: &str, workers: usize) -> (Rounds, Rounds) {
    load_runtime().block_on(async {
        let (jeton, bare, ours, theirs) = pair(kind, workers).await;
        let mut ours = Load::connect(&jeton.server, ours).await;
        let mut theirs = Load::connect(&bare.server, theirs).await;
        println!("{kind}: {CALLERS} callers, {workers} workers, {ROUNDS} rounds of {CALLS} calls");
        println!("round  jeton us  bare us  ratio  jeton/s  bare/s  ratio");
        let (mut cpu, mut rate) = (Rounds::default(), Rounds::default());
        for round in 0..=ROUNDS {
            let (jeton, bare) = if round % 2 == 0 {
                let jeton = ours.segment(CALLS).await;
                (jeton, theirs.segment(CALLS).await)
            } else {
                let bare = theirs.segment(CALLS).await;
                (ours.segment(CALLS).await, bare)
            };
            let ratios = (jeton.cpu_us / bare.cpu_us, jeton.rate / bare.rate);
            let line = (jeton.cpu_us, bare.cpu_us, ratios.0, jeton.rate, bare.rate, ratios.1);
            println!("{round:5} {:9.2} {:8.2} {:6.3} {:8.0} {:7.0} {:6.3}", line.0, line.1, line.2, line.3, line.4, line.5);
            // The first round warms up.
            if round > 0 {
                cpu.push(ratios.0);
                rate.push(ratios.1);
            }
        }
        (cpu, rate)
    })
}

/// Measures figure 7.
pub fn latency(report: &mut Report) {
    const SEGMENT: Duration = Duration::from_secs(2);
    const ROUNDS: usize = 7;
    let ratios = load_runtime().block_on(async {
        let (jeton, bare, ours, theirs) = pair("grpc", 1).await;
        let mut ours = Load::connect(&jeton.server, ours).await;
        let mut theirs = Load::connect(&bare.server, theirs).await;
        let (mut our_peak, mut their_peak) = (Rounds::default(), Rounds::default());
        for _ in 0..5 {
            our_peak.push(ours.segment(CALLS).await.rate);
            their_peak.push(theirs.segment(CALLS).await.rate);
        }
        let mut ratios = Rounds::default();
        for _ in 0..ROUNDS {
            let jeton = ours.open_loop(our_peak.median() / 2.0, SEGMENT).await;
            let bare = theirs.open_loop(their_peak.median() / 2.0, SEGMENT).await;
            println!("p99 at half of the peak: jeton {jeton:?}, bare {bare:?}");
            ratios.push(jeton.as_secs_f64() / bare.as_secs_f64());
        }
        ratios
    });
    report.add("7", "p99 at half of own peak / bare tonic", ratios.spread(), "<= 1.5");
}

/// Both servers, and what to ask them.
async fn pair(kind: &str, workers: usize) -> (Jeton, Bare, Target, Target) {
    let target = if kind == "grpc" { Target::grpc } else { Target::rest };
    let listener = if kind == "grpc" { "grpc" } else { "http" };
    let jeton = Jeton::start(workers);
    let credentials = jeton.register().await;
    let ours = target(jeton.address(listener), &credentials);
    let bare = Bare::start(kind, workers, &ours.token().await);
    let theirs = target(bare.address, &credentials);
    assert_eq!(ours.token().await.len(), theirs.token().await.len(), "the tokens are not of one size");
    (jeton, bare, ours, theirs)
}

fn load_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
