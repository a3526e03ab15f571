//! PostgreSQL beside the embedded store, batches beside single statements, two replicas beside one.
//!
//! The database, the servers and the load share one machine: the ratios count, and say less the fewer cores there are.

mod rotation;

use std::thread::available_parallelism;

use tokio::runtime::Builder;

use crate::load::{CALLERS, Load, Target};
use crate::report::{Report, Rounds};
use crate::server::Jeton;
use crate::support::postgres::cluster::Settings;

const ROUNDS: usize = 21;
const CALLS: usize = 4_000;

/// Measures all three.
pub fn run(report: &mut Report) {
    println!("postgres: {} cores for the database, the servers and the load", available_parallelism().unwrap());
    tokens(report);
    replicas(report);
    rotation::run(report);
}

/// A client_credentials token asks no store, whichever it is: what remains is to follow the others.
fn tokens(report: &mut Report) {
    let cpu = Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let cluster = Settings::default().start().await;
        let database = cluster.database().await;
        database.migrate().await;
        let (shared, embedded) = (Jeton::on(&database.url(), 1), Jeton::start(1));
        let mut ours = Load::connect(&shared.server, Target::grpc(shared.address("grpc"), &shared.register().await)).await;
        let mut theirs =
            Load::connect(&embedded.server, Target::grpc(embedded.address("grpc"), &embedded.register().await)).await;
        println!("client_credentials: {CALLERS} callers, {ROUNDS} rounds of {CALLS} calls\nround  postgres us  sled us  ratio");
        let mut cpu = Rounds::default();
        for round in 0..=ROUNDS {
            let (postgres, sled) = if round % 2 == 0 {
                let postgres = ours.segment(CALLS).await;
                (postgres, theirs.segment(CALLS).await)
            } else {
                let sled = theirs.segment(CALLS).await;
                (ours.segment(CALLS).await, sled)
            };
            let ratio = postgres.cpu_us / sled.cpu_us;
            println!("{round:5} {:12.2} {:8.2} {ratio:6.3}", postgres.cpu_us, sled.cpu_us);
            // The first round warms up.
            if round > 0 {
                cpu.push(ratio);
            }
        }
        cpu
    });
    report.add("P1", "client_credentials on PostgreSQL / on sled, server CPU", cpu.spread(), "<= 1.05");
}

/// The same callers on one replica, and on two.
fn replicas(report: &mut Report) {
    let (rate, cpu) = Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let cluster = Settings::default().start().await;
        let database = cluster.database().await;
        database.migrate().await;
        // One worker each, as on a machine of its own with one core.
        let replicas = [Jeton::on(&database.url(), 1), Jeton::on(&database.url(), 1)];
        let credentials = replicas[0].register().await;
        let target = |replica: &Jeton| Target::grpc(replica.address("grpc"), &credentials);
        let mut one = Load::connect(&replicas[0].server, target(&replicas[0])).await;
        let mut other = Load::connect(&replicas[1].server, target(&replicas[1])).await;
        println!("replicas: {CALLERS} callers of each, {ROUNDS} rounds of {CALLS} calls\nround  one/s  two/s  ratio  CPU ratio");
        let (mut rate, mut cpu) = (Rounds::default(), Rounds::default());
        for round in 0..=ROUNDS {
            let alone = if round % 2 == 0 { one.segment(CALLS).await } else { other.segment(CALLS).await };
            let (left, right) = tokio::join!(one.segment(CALLS / 2), other.segment(CALLS / 2));
            // Both had half of the calls; the slower one ends the round.
            let both = 2.0 * left.rate.min(right.rate);
            let each = (left.cpu_us + right.cpu_us) / 2.0;
            println!("{round:5} {:6.0} {both:6.0} {:6.3} {:6.3}", alone.rate, both / alone.rate, each / alone.cpu_us);
            if round > 0 {
                rate.push(both / alone.rate);
                cpu.push(each / alone.cpu_us);
            }
        }
        (rate, cpu)
    });
    let cores = available_parallelism().unwrap();
    let what = format!("two replicas / one, client_credentials per second on {cores} cores");
    report.add("P3", &what, rate.spread(), ">= 1.6 on 4 cores or more");
    report.add("P3", "the same, CPU of the servers for one token", cpu.spread(), "about 1");
}
