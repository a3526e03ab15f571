//! The primary is killed under load and its synchronous standby takes over: what was answered is there, nothing
//! single-use is used twice, and in between every request is told when to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::binary::kill::check::{Then, check};
use crate::binary::kill::load::{Counts, Worker};
use crate::binary::kill::random::Random;
use crate::binary::kill::story::{Client, Known, Story};
use crate::binary::server::Callers;
use crate::replicas::fleet::{Fleet, Machine, Replica, until};
use crate::support::postgres::cluster::{Replication, Settings};

const WORKERS: usize = 16;
/// Longer than anything takes while there is no database.
const OUTAGE: Duration = Duration::from_secs(30);

/// One client that asks a replica again and again over REST, whatever happens.
struct Probe {
    answered: AtomicUsize,
    told_to_wait: AtomicUsize,
    stop: AtomicBool,
}

impl Probe {
    /// Begins to ask.
    fn of(replica: &Replica, machine: Machine) -> (Arc<Self>, JoinHandle<()>) {
        let probe =
            Arc::new(Self { answered: AtomicUsize::new(0), told_to_wait: AtomicUsize::new(0), stop: AtomicBool::new(false) });
        (Arc::clone(&probe), tokio::spawn(probe.ask(replica.http("/oauth2/token"), machine)))
    }

    async fn ask(self: Arc<Self>, url: String, machine: Machine) {
        let http = reqwest::Client::new();
        while !self.stop.load(Ordering::SeqCst) {
            // The connection to the replica is never the trouble.
            let answer = machine.request(&http, &url).send().await.unwrap();
            match answer.status() {
                StatusCode::OK => self.answered.fetch_add(1, Ordering::SeqCst),
                StatusCode::SERVICE_UNAVAILABLE => {
                    // RFC 9110 section 10.2.3.
                    let seconds: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1..=60).contains(&seconds));
                    let body: Value = answer.json().await.unwrap();
                    assert_eq!(body["error"], "temporarily_unavailable");
                    self.told_to_wait.fetch_add(1, Ordering::SeqCst)
                }
                other => panic!("{other}: {}", answer.text().await.unwrap()),
            };
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Has callers take grants from code to end, half of them on each replica, until their answers stop.
fn burden(callers: &[Callers; 2], clients: &[Arc<Client>], killed: &Arc<AtomicBool>, random: &mut Random) -> JoinSet<Worker> {
    let mut workers = JoinSet::new();
    for callers in callers.iter().cycle().take(WORKERS) {
        let worker = Worker {
            callers: callers.clone(),
            random: random.fork(),
            clients: clients.to_vec(),
            inherited: Vec::new(),
            registered: Vec::new(),
            stories: Vec::new(),
            ended_tokens: Vec::new(),
            counts: Counts::default(),
        };
        workers.spawn(worker.work(Arc::clone(killed)));
    }
    workers
}

/// Asserts on every grant, each on one of the replicas, and ends some of them.
async fn recheck(callers: &[Callers; 2], stories: Vec<Story>, random: &mut Random) -> usize {
    let mut checks = JoinSet::new();
    for (story, callers) in stories.into_iter().zip(callers.iter().cycle()) {
        let then = [Then::ReplayCode, Then::ReuseToken, Then::Revoke, Then::GoOn][random.below(4)];
        let callers = callers.clone();
        checks.spawn(async move { check(&callers, story, then).await });
    }
    checks.join_all().await.iter().filter(|story| story.known == Known::Ended).count()
}

/// A3 and B3, RFC 6749 section 4.1.2: one code gives one answer, one refresh token one successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_over_loses_nothing_that_was_answered_and_lets_nothing_be_used_twice() {
    let mut random = Random::seeded();
    let primary = Settings::default().start().await;
    let database = primary.database().await;
    database.migrate().await;
    let standby = primary.standby(Replication::Synchronous).await;
    let fleet = Fleet::at(database.url_at(&[primary.address(), standby.address()]))
        .set("lifetimes.refresh_retry_window_seconds=300")
        .set("lifetimes.code_seconds=600");
    let replicas = [fleet.replica(), fleet.replica()];
    let callers = [replicas[0].callers().await, replicas[1].callers().await];
    let mut clients = Vec::new();
    for callers in &callers {
        clients.push(Client::register(callers).await.done("a client can be registered"));
    }
    let probes = [&replicas[0], &replicas[1]].map(|replica| Probe::of(replica, replica.client()));
    let all = |so: fn(&Probe) -> bool| probes.iter().all(|(probe, _)| so(probe));
    let killed = Arc::new(AtomicBool::new(false));
    let mut workers = burden(&callers, &clients, &killed, &mut random);
    until("both replicas answer", OUTAGE, async || all(|probe| probe.answered.load(Ordering::SeqCst) >= 100)).await;
    assert!(all(|probe| probe.told_to_wait.load(Ordering::SeqCst) == 0), "nothing was wrong yet");

    killed.store(true, Ordering::SeqCst);
    primary.kill();
    let gone = Instant::now();
    let (mut stories, mut ended_tokens, mut counts) = (Vec::new(), Vec::new(), Counts::default());
    while let Some(worker) = workers.join_next().await {
        let worker = worker.unwrap();
        stories.extend(worker.stories);
        ended_tokens.extend(worker.ended_tokens);
        counts += worker.counts;
    }
    let unready = async |wanted: u16| replicas[0].readiness().await == wanted && replicas[1].readiness().await == wanted;
    until("no replica is ready", OUTAGE, async || unready(503).await).await;
    let stopped = gone.elapsed();
    // What is in memory is not good for ever either.
    until("requests are told to wait", OUTAGE, async || all(|probe| probe.told_to_wait.load(Ordering::SeqCst) > 0)).await;

    standby.promote();
    let promoted = Instant::now();
    until("the replicas are ready again", OUTAGE, async || unready(200).await).await;
    let returned = promoted.elapsed();
    let told = || probes.iter().map(|(probe, _)| probe.told_to_wait.load(Ordering::SeqCst)).sum::<usize>();
    let told_before = told();
    let in_doubt = stories.iter().filter(|story| !matches!(story.known, Known::Settled | Known::Ended | Known::Issued)).count();
    let grants = stories.len();
    let ended = recheck(&callers, stories, &mut random).await;
    for (client, token) in &ended_tokens {
        for callers in &callers {
            assert!(!client.active(callers, token).await, "a revoked access token stays revoked");
        }
    }
    let machine = replicas[0].client();
    machine.token(&replicas[1]).await;
    assert_eq!(told(), told_before, "a request was turned away after all replicas were ready");
    for (probe, task) in probes {
        probe.stop.store(true, Ordering::SeqCst);
        task.await.unwrap();
    }
    println!(
        "{grants} grants, {in_doubt} of them in doubt, {ended} ended, {counts:?}; not ready after {stopped:?}, ready {returned:?} \
         after the promotion, {told_before} requests told to wait"
    );
    for count in [counts.codes, counts.redemptions, counts.rotations, counts.revocations] {
        assert!(count > WORKERS / 2, "too little happened: {counts:?}");
    }
    assert_eq!(counts.lost, WORKERS);
    for replica in replicas {
        assert!(replica.server.stop().success());
    }
}
