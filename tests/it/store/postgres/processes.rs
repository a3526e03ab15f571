//! Two processes on one database: rotations, retries, reuse and revocations interleaved, checked against a model.

use std::collections::{HashMap, HashSet};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jeton::store::Store;
use jeton::store::grant::revoke::revoke;
use jeton::store::grant::rotate::{MAX_RETRIES, Rotated, Rotation, rotate};
use jeton::store::grant::{Grant, State};
use jeton::store::postgres::PostgresStore;
use jeton::types::secret::SecretDigest;
use jeton::types::time::{Clock, SystemClock, UnixMillis};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::binary::kill::random::Random;
use crate::store::postgres::{open, open_waiting, run};
use crate::store::sample::{NOW, WORKSPACE, client_id, grant_id, rotating};
use crate::support::postgres::migrated;

const GRANTS: u64 = 300;
const PROCESSES: u8 = 2;
const TASKS: usize = 12;
const ACTS: usize = 150;
/// Tells a process of this test binary that it is one of the two: where the database is.
const URL_VARIABLE: &str = "JETON_TEST_REPLICA";

/// What one act was answered, and when it began and ended: both processes read one clock.
#[derive(Debug)]
struct Event {
    grant: u64,
    act: String,
    generation: u32,
    /// Names the rotation that made the successor.
    attempt: u64,
    began: i64,
    ended: i64,
}

impl Event {
    fn line(&self) -> String {
        let Self { grant, act, generation, attempt, began, ended } = self;
        json!([grant, act, generation, attempt, began, ended]).to_string()
    }

    /// Lines of the test runner are none.
    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let number = |at: usize| line[at].as_i64();
        Some(Self {
            grant: line[0].as_u64()?,
            act: line[1].as_str()?.to_owned(),
            generation: u32::try_from(number(2)?).ok()?,
            attempt: line[3].as_u64()?,
            began: number(4)?,
            ended: number(5)?,
        })
    }
}

/// The process that the next test starts twice.  It does nothing unless it is told where.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes() {
    let Ok(url) = std::env::var(URL_VARIABLE) else {
        return;
    };
    // A busy machine may let both wait for longer than a client would.
    let store = Arc::new(open_waiting(&url, Duration::from_secs(30)).await);
    let mut random = Random::seeded();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(work(Arc::clone(&store), random.fork()));
    }
    let events = tasks.join_all().await;
    store.close().await.unwrap();
    for event in events.into_iter().flatten() {
        println!("\n{}", event.line());
    }
}

async fn work(store: Arc<PostgresStore>, mut random: Random) -> Vec<Event> {
    let client = client_id(1);
    let mut events = Vec::new();
    for _ in 0..ACTS {
        let number = u64::try_from(random.below(usize::try_from(GRANTS).unwrap())).unwrap();
        let id = grant_id(number);
        let (began, attempt) = (SystemClock.now().0, u64::try_from(random.below(1 << 48)).unwrap());
        let head = generation(&store.grant(WORKSPACE, id).await.unwrap().unwrap().record);
        // Mostly the newest token; now and then the one before, which may be a retry, and seldom an older one.
        let age = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][random.below(10)];
        let (act, generation, attempt) = if random.one_in(60) {
            run(&*store, id, |grant| revoke(grant, NOW, "signed out")).await.unwrap();
            ("revoke", 0, 0)
        } else {
            let presented = head.saturating_sub(age);
            let rotation = Rotation {
                client: &client,
                generation: presented,
                presented: token(presented),
                next: token(presented + 1),
                sealed_next: &attempt.to_be_bytes(),
                scope: None,
                retry_window: 300,
                now: UnixMillis(NOW.0 * 1000),
            };
            match run(&*store, id, |grant| rotate(grant, &rotation)).await.unwrap() {
                Rotated::Rotated(_) => ("rotated", presented, attempt),
                Rotated::Retried(_, sealed) => ("retried", presented, u64::from_be_bytes(sealed.try_into().unwrap())),
                Rotated::Reused => ("reused", presented, 0),
                Rotated::Revoked => ("revoked", presented, 0),
                other => panic!("{other:?}"),
            }
        };
        events.push(Event { grant: number, act: act.to_owned(), generation, attempt, began, ended: SystemClock.now().0 });
    }
    events
}

/// Of a generation, whoever made it: the first one's digest is that of the sample.
fn token(generation: u32) -> SecretDigest {
    let mut digest = [100; 32];
    if generation > 0 {
        digest[..4].copy_from_slice(&generation.to_be_bytes());
    }
    SecretDigest(digest)
}

fn generation(grant: &Grant) -> u32 {
    match &grant.state {
        State::Active(active) => active.refresh.as_ref().unwrap().generation,
        _ => 0,
    }
}

/// Threats A3, B1 and B2, and RFC 9700 section 4.14.2: one line of refresh tokens lives, whichever process is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_line_of_refresh_tokens_lives_in_two_processes() {
    let database = migrated().await;
    let store = open(&database).await;
    for number in 0..GRANTS {
        assert!(store.insert_grant(WORKSPACE, grant_id(number), &rotating()).await.unwrap());
    }
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--exact", "store::postgres::processes::one_of_two_processes", "--nocapture"]);
        process.env(URL_VARIABLE, database.url()).stdout(Stdio::piped()).stderr(Stdio::piped());
        processes.push(process.spawn().unwrap());
    }
    let mut events = Vec::new();
    let mut spans = Vec::new();
    for process in processes {
        let output = tokio::task::spawn_blocking(|| process.wait_with_output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let own: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().filter_map(Event::parse).collect();
        assert_eq!(own.len(), TASKS * ACTS);
        spans.push((own.iter().map(|event| event.began).min().unwrap(), own.iter().map(|event| event.ended).max().unwrap()));
        events.extend(own);
    }
    assert!(spans[0].0 < spans[1].1 && spans[1].0 < spans[0].1, "the processes did not work at one time");
    let counts = check(&events);
    println!("{counts:?}");
    for act in ["rotated", "retried", "reused", "revoke", "revoked"] {
        assert!(counts.get(act).is_some_and(|count| *count > 0), "too little happened: {counts:?}");
    }

    let over: HashSet<u64> = events.iter().filter(|event| ends(event)).map(|event| event.grant).collect();
    for number in 0..GRANTS {
        let kept = store.grant(WORKSPACE, grant_id(number)).await.unwrap().unwrap().record;
        assert_eq!(matches!(kept.state, State::Revoked(_)), over.contains(&number), "grant {number}");
        let rotations = events.iter().filter(|event| event.grant == number && event.act == "rotated").count();
        if !over.contains(&number) {
            assert_eq!(usize::try_from(generation(&kept)).unwrap(), rotations, "grant {number}");
        }
    }
}

/// Whether a grant is over when this was answered.
fn ends(event: &Event) -> bool {
    matches!(event.act.as_str(), "reused" | "revoke" | "revoked")
}

/// Holds what both processes were answered against the model; how often each answer was given.
fn check(events: &[Event]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    let mut winners = HashMap::new();
    let mut over = HashMap::new();
    for event in events {
        *counts.entry(event.act.as_str()).or_default() += 1;
        if event.act == "rotated" {
            let earlier = winners.insert((event.grant, event.generation), event.attempt);
            assert!(earlier.is_none(), "one refresh token was rotated twice: {event:?}");
        }
        if ends(event) {
            let end = over.entry(event.grant).or_insert(event.ended);
            *end = event.ended.min(*end);
        }
    }
    let mut retries: HashMap<_, u32> = HashMap::new();
    for event in events {
        if event.act == "retried" {
            let winner = winners.get(&(event.grant, event.generation));
            assert_eq!(winner, Some(&event.attempt), "a retry got another successor: {event:?}");
            let count = retries.entry((event.grant, event.generation)).or_default();
            *count += 1;
            assert!(*count <= MAX_RETRIES, "retried too often: {event:?}");
        }
        if ["rotated", "retried"].contains(&event.act.as_str()) {
            let late = over.get(&event.grant).is_some_and(|end| event.began > *end);
            assert!(!late, "it was over when this was asked, and was answered: {event:?}");
        }
    }
    counts
}
