//! Figure 3: a client_credentials token over REST, beside a bare axum handler that signs.

use crate::report::Report;
use crate::token::compare;

/// Measures figure 3.
pub fn run(report: &mut Report) {
    let cores = std::thread::available_parallelism().unwrap().get();
    let (cpu, _) = compare("rest", cores);
    report.add("3", "REST client_credentials / bare axum, server CPU", cpu.spread(), "<= 1.15");
    let (cpu, rate) = compare("rest", 1);
    report.add("3", "the same with one worker", cpu.spread(), "<= 1.15");
    report.add("", "the same in requests/s", rate.spread(), "");
}
