//! Many callers of two replicas at once: of those that may not both win, exactly one does, and nobody waits for ever.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jeton::store::grant::redeem::{Redeemed, Redemption, redeem};
use jeton::store::grant::{Grant, RefreshState, State};
use jeton::store::postgres::PostgresStore;
use jeton::store::token::{SingleUse, SingleUseKind};
use jeton::store::{Store, Version};
use jeton::types::ids::GrantId;
use tokio::task::JoinSet;

use crate::binary::kill::random::Random;
use crate::store::postgres::{open_waiting, run};
use crate::store::sample::{NOW, WORKSPACE, client_id, code_issued, digest, first_refresh, grant_id, rotating};
use crate::support::postgres::{Database, migrated};

const TASKS: u8 = 64;

/// Two replicas on one database.
struct Pair {
    stores: [Arc<PostgresStore>; 2],
    database: Database,
}

impl Pair {
    async fn new() -> Self {
        let database = migrated().await;
        // Thousands wait at once, and on a busy machine for long.
        let open = async || Arc::new(open_waiting(&database.url(), Duration::from_secs(30)).await);
        Self { stores: [open().await, open().await], database }
    }

    /// Who waits for another in a circle is freed after a second, which no caller notices but by the time it takes.
    async fn no_deadlock(&self) {
        let statement = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        let row = self.database.superuser().await.query_one(statement, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 0, "statements waited for each other");
    }
}

/// A3 on two replicas.  STORE section 5: reading first and writing then redeemed 1,163 of 1,500 codes twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_redeemed_by_many_on_two_replicas_has_one_winner() {
    let pair = Pair::new().await;
    let stores = pair.stores.clone();
    let mut codes = JoinSet::new();
    for number in 0..200 {
        // Many at once, so that batches form; not all, so that their callers do overlap.
        while codes.len() >= 8 {
            codes.join_next().await.unwrap().unwrap();
        }
        let stores = stores.clone();
        codes.spawn(async move {
            let id = grant_id(number);
            assert!(stores[0].insert_grant(WORKSPACE, id, &code_issued()).await.unwrap());
            let mut tasks = JoinSet::new();
            for attempt in 0..TASKS {
                let store = Arc::clone(&stores[usize::from(attempt % 2)]);
                tasks.spawn(async move { redeem_code(&store, id, attempt).await });
            }
            let outcomes = tasks.join_all().await;
            let first = outcomes.iter().filter(|outcome| matches!(outcome, Redeemed::First(_))).count();
            let replayed = outcomes.iter().filter(|outcome| **outcome == Redeemed::Replayed).count();
            assert_eq!((first, replayed), (1, usize::from(TASKS) - 1), "code {number}");
        });
    }
    codes.join_all().await;
    pair.no_deadlock().await;
}

async fn redeem_code(store: &PostgresStore, id: GrantId, attempt: u8) -> Redeemed {
    let (client, refresh) = (client_id(1), first_refresh());
    let redemption = Redemption {
        client: &client,
        code: digest(1),
        redirect_uri: Some("https://app.example.com/callback"),
        challenge: None,
        scope: None,
        attempt: [attempt; 16],
        refresh: Some(&refresh),
        expires_at: NOW.plus(86_400),
        now: NOW,
    };
    run(store, id, |grant| redeem(grant, &redemption)).await.unwrap()
}

/// A grant whose head is the caller's own.
fn of_caller(caller: u8) -> Grant {
    let mut grant = rotating();
    if let State::Active(active) = &mut grant.state {
        active.refresh = Some(RefreshState { generation: 1, head: digest(caller), ..first_refresh() });
    }
    grant
}

fn head(grant: &Grant) -> [u8; 32] {
    match &grant.state {
        State::Active(active) => active.refresh.as_ref().unwrap().head.0,
        _ => panic!("the grant is not active"),
    }
}

/// STORE section 8: a plain update of many rows deadlocks when the same rows come in other orders.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_the_same_grants_in_other_orders_have_one_winner_of_each() {
    const GRANTS: u64 = 100;
    const CALLERS: u8 = 16;
    let pair = Pair::new().await;
    let stores = pair.stores.clone();
    let mut random = Random::seeded();
    for round in 0..3 {
        let ids: Vec<_> = (0..GRANTS).map(|number| grant_id(round * GRANTS + number)).collect();
        let mut inserts = JoinSet::new();
        for caller in 0..CALLERS {
            let (store, order) = (Arc::clone(&stores[usize::from(caller % 2)]), shuffled(&ids, &mut random));
            inserts.spawn(async move {
                let grant = of_caller(100 + caller);
                join_all(order.iter().map(|id| store.insert_grant(WORKSPACE, *id, &grant)))
                    .await
                    .into_iter()
                    .filter(|kept| *kept.as_ref().unwrap())
                    .count()
            });
        }
        assert_eq!(inserts.join_all().await.into_iter().sum::<usize>(), ids.len(), "each is kept by one");

        let mut versions: Vec<(GrantId, Version)> = Vec::new();
        for id in &ids {
            versions.push((*id, stores[0].grant(WORKSPACE, *id).await.unwrap().unwrap().version));
        }
        let mut swaps = JoinSet::new();
        for caller in 0..CALLERS {
            let (store, order) = (Arc::clone(&stores[usize::from(caller % 2)]), shuffled(&versions, &mut random));
            swaps.spawn(async move {
                let next = of_caller(caller);
                let all = order.iter().map(|(id, version)| store.swap_grant(WORKSPACE, *id, version, &next));
                let outcomes = join_all(all).await;
                let won = order.iter().zip(outcomes).filter(|(_, swapped)| *swapped.as_ref().unwrap());
                won.map(|((id, _), _)| (*id, caller)).collect::<Vec<_>>()
            });
        }
        let mut won: Vec<_> = swaps.join_all().await.into_iter().flatten().collect();
        won.sort_by_key(|(id, _)| id.0);
        let mut expected = ids.clone();
        expected.sort_by_key(|id| id.0);
        assert_eq!(won.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected, "each is won by one");
        for (id, caller) in won {
            let kept = stores[1].grant(WORKSPACE, id).await.unwrap().unwrap().record;
            assert_eq!(head(&kept), [caller; 32], "what is kept is the winner's");
        }
    }
    pair.no_deadlock().await;
}

/// A batch that names one version twice, once each time by another caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_swaps_of_one_version_in_one_batch_one_is_done() {
    let pair = Pair::new().await;
    let [store, other] = &pair.stores;
    for number in 0..50 {
        let id = grant_id(number);
        store.insert_grant(WORKSPACE, id, &rotating()).await.unwrap();
        let version = store.grant(WORKSPACE, id).await.unwrap().unwrap().version;
        let nexts: Vec<_> = (0..32).map(of_caller).collect();
        let swaps = nexts.iter().enumerate().map(|(caller, next)| {
            let store = if caller % 8 == 7 { other } else { store };
            store.swap_grant(WORKSPACE, id, &version, next)
        });
        let done = join_all(swaps).await.into_iter().filter(|swapped| *swapped.as_ref().unwrap()).count();
        assert_eq!(done, 1, "grant {number}");
    }
    pair.no_deadlock().await;
}

/// RFC 7523 section 3, RFC 9449 section 11.1: an assertion or proof is good once, on whichever replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_used_by_many_on_two_replicas_is_used_once() {
    let pair = Pair::new().await;
    let stores = pair.stores.clone();
    for number in 0..100 {
        let once = SingleUse { kind: SingleUseKind::Assertion, id: [number; 32], until: NOW.plus(300) };
        let uses = (0..32).map(|caller| stores[caller % 2].first_use(WORKSPACE, &once));
        let first = join_all(uses).await.into_iter().filter(|first| *first.as_ref().unwrap()).count();
        assert_eq!(first, 1, "assertion {number}");
        let proof = SingleUse { kind: SingleUseKind::DpopProof, ..once };
        assert!(stores[1].first_use(WORKSPACE, &proof).await.unwrap(), "a proof is no assertion");
    }
    pair.no_deadlock().await;
}

fn shuffled<T: Clone>(items: &[T], random: &mut Random) -> Vec<T> {
    let mut items = items.to_vec();
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
    items
}
