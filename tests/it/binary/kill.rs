//! kill -9 under load: nothing that was answered is undone, and nothing single-use is used twice.

pub mod check;
pub mod load;
pub mod random;
pub mod story;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jeton::pb::v1::ListClientsRequest;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::binary::kill::check::{Then, check, ended};
use crate::binary::kill::load::{Counts, Worker};
use crate::binary::kill::random::Random;
use crate::binary::kill::story::{Client, Known, Story};
use crate::binary::server::{Callers, Server, Site};

const CYCLES: usize = 30;
const WORKERS: usize = 24;
const CHANNELS: usize = 4;
/// How many grants go on over a kill.
const INHERITED: usize = 2 * WORKERS;

/// The issuer stays the same when the port does not; a lost refresh can be retried for long.
const ARGUMENTS: &[&str] = &[
    "--set",
    "issuer=http://127.0.0.1:8080",
    "--set",
    "lifetimes.refresh_retry_window_seconds=300",
    "--set",
    "lifetimes.code_seconds=600",
    "--set",
    "log.level=warn",
];

/// What all rounds together were answered.
struct Journal {
    clients: Vec<Arc<Client>>,
    /// Those of the last round.
    stories: Vec<Story>,
    /// Those that ended, and were seen to have.
    ended: Vec<Story>,
    ended_tokens: Vec<(Arc<Client>, String)>,
    counts: Counts,
    killed_starts: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_undone_by_a_kill() {
    let began = Instant::now();
    let mut random = Random::seeded();
    let site = Site::new();
    let mut journal = Journal {
        clients: Vec::new(),
        stories: Vec::new(),
        ended: Vec::new(),
        ended_tokens: Vec::new(),
        counts: Counts::default(),
        killed_starts: 0,
    };
    let mut server = site.serve(ARGUMENTS);
    for _ in 0..CYCLES {
        let inherited = journal.stories.split_off(journal.stories.len().saturating_sub(INHERITED));
        burden_and_kill(&site, server, &mut random, inherited, &mut journal).await;
        if random.one_in(2) {
            journal.killed_starts += kill_starts(&site, &mut random);
        }
        server = site.serve(ARGUMENTS);
        recheck(&site, &server, &mut random, &mut journal).await;
    }
    assert!(server.stop().success());

    let server = site.serve(ARGUMENTS);
    let callers = Callers::connect(&site, &server).await;
    for story in &journal.ended {
        ended(&callers, story).await;
    }
    for (client, token) in &journal.ended_tokens {
        assert!(!client.active(&callers, token).await, "a revoked access token stays revoked");
    }
    let counts = journal.counts;
    let (starts, ended, elapsed) = (journal.killed_starts, journal.ended.len(), began.elapsed());
    println!("{CYCLES} kills under load, {starts} in start-up: {counts:?}, {ended} grants ended, {elapsed:.1?}");
    assert!(counts.answered() >= CYCLES * 50, "too little happened: {counts:?}");
    for count in [counts.registrations, counts.codes, counts.redemptions, counts.rotations, counts.revocations] {
        assert!(count >= CYCLES, "too little happened: {counts:?}");
    }
    assert!(counts.replays > 0 && starts > 0 && ended >= CYCLES, "too little happened: {counts:?}");
}

/// Puts load on a server, kills it at some moment, and collects what the callers were answered.
async fn burden_and_kill(site: &Site, server: Server, random: &mut Random, mut inherited: Vec<Story>, journal: &mut Journal) {
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        channels.push(Callers::connect(site, &server).await);
    }
    while journal.clients.len() < 3 {
        journal.clients.push(Client::register(&channels[0]).await.done("a client can be registered"));
    }
    let killed = Arc::new(AtomicBool::new(false));
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let worker = Worker {
            callers: channels[number % CHANNELS].clone(),
            random: random.fork(),
            clients: journal.clients.iter().rev().take(8).cloned().collect(),
            inherited: inherited.split_off(inherited.len().saturating_sub(2)),
            registered: Vec::new(),
            stories: Vec::new(),
            ended_tokens: Vec::new(),
            counts: Counts::default(),
        };
        workers.spawn(worker.work(killed.clone()));
    }
    let moment = Duration::from_millis(20) + Duration::from_micros(u64::try_from(random.below(380_000)).unwrap());
    let early = timeout(moment, workers.join_next()).await;
    assert!(early.is_err(), "a caller stopped while the server was alive: {:?}", early.map(|ended| ended.map(|task| task.err())));
    killed.store(true, Ordering::SeqCst);
    server.kill();
    while let Some(worker) = workers.join_next().await {
        let worker = worker.unwrap();
        journal.clients.extend(worker.registered);
        journal.stories.extend(worker.stories);
        journal.ended_tokens.extend(worker.ended_tokens);
        journal.counts += worker.counts;
    }
}

/// Starts the server and kills it before, or just when, it has recovered.
fn kill_starts(site: &Site, random: &mut Random) -> usize {
    let times = 1 + random.below(3);
    for _ in 0..times {
        let starting = site.begin(ARGUMENTS);
        let moment = Duration::from_micros(u64::try_from(random.below(80_000)).unwrap());
        let _ = starting.lines.recv_timeout(moment);
    }
    times
}

/// Checks everything of the last round, and that what ended before it is still over.
async fn recheck(site: &Site, server: &Server, random: &mut Random, journal: &mut Journal) {
    let callers = Callers::connect(site, server).await;
    let known: HashSet<String> = clients(&callers).await;
    for client in &journal.clients {
        assert!(known.contains(&client.id), "a client whose registration was answered is gone");
    }
    for story in journal.ended.iter().rev().take(INHERITED) {
        ended(&callers, story).await;
    }
    for (client, token) in journal.ended_tokens.iter().rev().take(INHERITED) {
        assert!(!client.active(&callers, token).await, "a revoked access token stays revoked");
    }
    let mut checks = JoinSet::new();
    for story in std::mem::take(&mut journal.stories) {
        let then = match random.below(6) {
            0 => Then::ReplayCode,
            1 => Then::ReuseToken,
            2 => Then::Revoke,
            _ => Then::GoOn,
        };
        let callers = callers.clone();
        checks.spawn(async move { check(&callers, story, then).await });
    }
    while let Some(story) = checks.join_next().await {
        let story = story.unwrap();
        match story.known {
            Known::Ended => journal.ended.push(story),
            _ => journal.stories.push(story),
        }
    }
}

async fn clients(callers: &Callers) -> HashSet<String> {
    let mut ids = HashSet::new();
    let mut page_token = String::new();
    loop {
        let request = ListClientsRequest { workspace: String::new(), page_size: 500, page_token };
        let page = callers.clients.clone().list_clients(request).await.unwrap().into_inner();
        ids.extend(page.clients.into_iter().map(|client| client.client_id));
        if page.next_page_token.is_empty() {
            return ids;
        }
        page_token = page.next_page_token;
    }
}

/// The first start makes keys, secrets and records one after another; a kill between any two of them
/// must not lock the operator out.
#[test]
fn a_kill_in_the_first_start_does_not_prevent_the_next() {
    let mut random = Random::seeded();
    for _ in 0..25 {
        let site = Site::new();
        let starting = site.begin(ARGUMENTS);
        let moment = Duration::from_micros(u64::try_from(random.below(60_000)).unwrap());
        let _ = starting.lines.recv_timeout(moment);
        drop(starting);
        let server = site.serve(ARGUMENTS);
        let client = ["client", "create", "--name", "a", "--grant-type", "client_credentials", "--scope", "read"];
        assert_eq!(site.json(&client)["client_name"], "a");
        assert!(server.stop().success());
    }
}
