//! A database that is not there for a while: callers hear so in time, and what was answered outlives it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jeton::store::grant::rotate::{Rotated, Rotation, rotate};
use jeton::store::grant::{Grant, State};
use jeton::store::postgres::PostgresStore;
use jeton::store::{Store, StoreError};
use jeton::types::ids::GrantId;
use jeton::types::secret::SecretDigest;
use jeton::types::time::UnixMillis;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::store::postgres::{open, open_waiting, run};
use crate::store::sample::{NOW, WORKSPACE, active, client_id, grant_id, requested, rotating};
use crate::support::postgres::cluster::Settings;
use crate::support::postgres::migrated;
use crate::support::proxy::Proxy;

const TIMEOUT: Duration = Duration::from_secs(2);
/// What a busy machine may add.
const MARGIN: Duration = Duration::from_secs(2);

/// Repeats a call until it is answered, as a client does that heard 503.
async fn until_answered<T>(mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(StoreError::Unavailable(why)) => assert!(Instant::now() < until, "it does not come back: {why}"),
            Err(other) => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_database_is_unavailable_in_time_and_used_again_when_it_speaks() {
    let database = migrated().await;
    let proxy = Proxy::before(database.address()).await;
    let store = open_waiting(&database.on(&proxy).url(), TIMEOUT).await;
    store.insert_grant(WORKSPACE, grant_id(1), &requested()).await.unwrap();
    let loaded = store.grant(WORKSPACE, grant_id(1)).await.unwrap().unwrap();

    let next = active();
    proxy.black_hole();
    let began = Instant::now();
    let (read, swap, insert) = tokio::join!(
        store.grant(WORKSPACE, grant_id(1)),
        store.swap_grant(WORKSPACE, grant_id(1), &loaded.version, &next),
        store.insert_grant(WORKSPACE, grant_id(2), &next),
    );
    for refused in [read.err(), swap.err(), insert.err()] {
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert!(began.elapsed() >= TIMEOUT && began.elapsed() < TIMEOUT + MARGIN, "{:?}", began.elapsed());

    proxy.heal();
    // It is not known whether the first ones happened; after these it is.
    until_answered(async || store.swap_grant(WORKSPACE, grant_id(1), &loaded.version, &active()).await).await;
    until_answered(async || store.insert_grant(WORKSPACE, grant_id(2), &active()).await).await;
    for number in [1, 2] {
        let kept = until_answered(async || store.grant(WORKSPACE, grant_id(number)).await).await.unwrap();
        assert!(matches!(kept.record.state, State::Active(_)));
    }
}

/// Connections that are cut while nobody uses them are nobody's trouble.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_every_connection_is_not_noticed_by_callers() {
    let database = migrated().await;
    let proxy = Proxy::before(database.address()).await;
    let store = open(&database.on(&proxy)).await;
    for number in 0..20 {
        proxy.cut();
        assert!(store.insert_grant(WORKSPACE, grant_id(number), &active()).await.unwrap());
        assert!(store.grant(WORKSPACE, grant_id(number)).await.unwrap().is_some());
    }
}

/// A caller that rotates one grant again and again, and knows how far it was answered.
struct Caller {
    store: Arc<PostgresStore>,
    id: GrantId,
    answered: Arc<AtomicU64>,
    refused: u64,
    generation: u32,
}

impl Caller {
    async fn work(mut self, mut stop: watch::Receiver<bool>) -> Self {
        let client = client_id(1);
        while !*stop.borrow_and_update() {
            let rotation = Rotation {
                client: &client,
                generation: self.generation,
                presented: token(self.generation),
                next: token(self.generation + 1),
                sealed_next: &[1],
                scope: None,
                retry_window: 300,
                now: UnixMillis(NOW.0 * 1000),
            };
            match run(&*self.store, self.id, |grant| rotate(grant, &rotation)).await {
                // A repetition after a refusal may find that it happened the first time.
                Ok(Rotated::Rotated(_) | Rotated::Retried(..)) => {
                    self.generation += 1;
                    self.answered.fetch_add(1, Ordering::SeqCst);
                }
                Ok(other) => panic!("{other:?}"),
                Err(StoreError::Unavailable(_)) => {
                    self.refused += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(other) => panic!("{other}"),
            }
        }
        self
    }
}

/// Of a generation: the first one's head is that of the sample.
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
        _ => panic!("the grant is not active"),
    }
}

/// What was answered is there after the server was killed, and after it was stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_under_load_loses_nothing_that_was_answered() {
    const CALLERS: u64 = 24;
    let cluster = Settings::default().start().await;
    let database = cluster.database().await;
    database.migrate().await;
    let stores = [Arc::new(open(&database).await), Arc::new(open(&database).await)];
    let (stop, stopped) = watch::channel(false);
    let answered = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for (number, store) in (0..CALLERS).zip(stores.iter().cycle()) {
        let id = grant_id(number);
        store.insert_grant(WORKSPACE, id, &rotating()).await.unwrap();
        let caller = Caller { store: Arc::clone(store), id, answered: Arc::clone(&answered), refused: 0, generation: 0 };
        callers.spawn(caller.work(stopped.clone()));
    }
    for end in [crate::support::postgres::cluster::Cluster::kill, crate::support::postgres::cluster::Cluster::stop] {
        more(&answered, 500).await;
        end(&cluster);
        cluster.start_again();
    }
    more(&answered, 500).await;
    stop.send(true).unwrap();
    let callers = callers.join_all().await;
    let (rotations, refused) =
        callers.iter().fold((0, 0), |(all, refused), caller| (all + caller.generation, refused + caller.refused));
    println!("{rotations} rotations by {CALLERS} callers over a kill and a stop; {refused} refused");
    let direct = open(&database).await;
    for caller in callers {
        let kept = direct.grant(WORKSPACE, caller.id).await.unwrap().unwrap().record;
        assert_eq!(generation(&kept), caller.generation, "what was answered is the newest, and nothing else happened");
    }
}

/// Waits for so many more answers.
async fn more(answered: &AtomicU64, count: u64) {
    let (target, until) = (answered.load(Ordering::SeqCst) + count, Instant::now() + Duration::from_secs(60));
    while answered.load(Ordering::SeqCst) < target {
        assert!(Instant::now() < until, "the callers are not answered any more");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
