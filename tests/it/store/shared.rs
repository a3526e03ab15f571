//! What processes on one store rest on: the change feed, single uses, and one key per serial.  Rules of the
//! contract, as those of [`crate::store::contract`].

use std::sync::Arc;

use jeton::store::Store;
use jeton::store::feed::{Change, Feed, FeedVersion};
use jeton::store::key::SigningKey;
use jeton::store::token::{SingleUse, SingleUseKind};
use jeton::store::workspace::Workspace;
use jeton::types::ids::WorkspaceId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::store::sample::{NOW, WORKSPACE, client, client_id, keep_workspace, signing_key, workspace};

/// Everything behind a version, read in stretches of about `limit`, and where it ends.
async fn read(store: &dyn Store, after: FeedVersion, limit: usize) -> (Vec<Change>, FeedVersion) {
    let (mut all, mut version) = (Vec::new(), after);
    loop {
        let Feed::Changes { changes, upto, more } = store.changes(version, limit).await.unwrap() else {
            panic!("{version:?} is not known");
        };
        assert!(upto >= version, "the feed goes forward");
        all.extend(changes);
        version = upto;
        if !more {
            return (all, version);
        }
    }
}

/// STORE section 8: gapless, and in the order of the commits.
pub async fn the_feed_tells_what_changed_in_the_order_of_the_commits(store: Arc<dyn Store>) {
    let before = store.feed_version().await.unwrap();
    let acme = workspace(WORKSPACE, "acme");
    assert!(keep_workspace(&*store, &acme).await);
    let suspended = Workspace { suspended: true, revision: 2, ..acme };
    store.replace_workspace(1, &suspended).await.unwrap();
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    let mut renamed = client(1);
    renamed.revision = 2;
    store.replace_client(WORKSPACE, 1, &renamed).await.unwrap();
    store.insert_signing_key(WORKSPACE, &signing_key("k1")).await.unwrap();
    store.delete_signing_key(WORKSPACE, "k1").await.unwrap();
    store.delete_client(WORKSPACE, &client_id(1)).await.unwrap();
    store.delete_workspace(WORKSPACE).await.unwrap();

    let changed = || Change::Workspace(WORKSPACE);
    let keys = || Change::SigningKeys(WORKSPACE);
    let of_the_client = || Change::Client(WORKSPACE, client_id(1));
    let (told, end) = read(&*store, before, 100).await;
    assert_eq!(told, [changed(), changed(), of_the_client(), keys(), keys(), of_the_client(), changed()]);
    assert_eq!(end, store.feed_version().await.unwrap());
    for limit in [1, 2, 3] {
        assert_eq!(read(&*store, before, limit).await, (told.clone(), end), "in stretches of {limit}");
    }
    assert_eq!(read(&*store, end, 1).await, (Vec::new(), end));
}

/// What is refused, or changed nothing, is not told.
pub async fn the_feed_tells_nothing_of_what_did_not_happen(store: Arc<dyn Store>) {
    assert!(keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await);
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    let before = store.feed_version().await.unwrap();
    assert!(!keep_workspace(&*store, &workspace(WorkspaceId([3; 16]), "acme")).await);
    store.replace_workspace(7, &workspace(WORKSPACE, "acme")).await.unwrap();
    store.replace_client(WORKSPACE, 7, &client(1)).await.unwrap();
    store.delete_client(WORKSPACE, &client_id(2)).await.unwrap();
    store.delete_signing_key(WORKSPACE, "none").await.unwrap();
    store.delete_workspace(WorkspaceId([4; 16])).await.unwrap();
    assert_eq!(read(&*store, before, 100).await, (Vec::new(), before));
}

/// Whoever has an answer finds the change in the feed, and who follows beside many writers misses nothing.
pub async fn a_follower_misses_nothing_while_many_write(store: Arc<dyn Store>) {
    const WRITERS: u64 = 16;
    const CHANGES: u64 = 8;
    for number in 0..WRITERS {
        store.insert_client(WORKSPACE, &client(number)).await.unwrap();
    }
    let before = store.feed_version().await.unwrap();
    let (done, all_done) = watch::channel(false);
    let follower = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let (mut seen, mut version) = (Vec::new(), before);
            loop {
                let last = *all_done.borrow();
                let (changes, upto) = read(&*store, version, 5).await;
                seen.extend(changes);
                version = upto;
                if last {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for revision in 1..=CHANGES {
                let here = store.feed_version().await.unwrap();
                let mut next = client(number);
                next.revision = revision + 1;
                store.replace_client(WORKSPACE, revision, &next).await.unwrap();
                let (told, _) = read(&*store, here, 100).await;
                assert!(told.contains(&Change::Client(WORKSPACE, client_id(number))), "it is told before it is answered");
            }
        });
    }
    writers.join_all().await;
    done.send(true).unwrap();
    let seen = follower.await.unwrap();
    for number in 0..WRITERS {
        let of_one = seen.iter().filter(|change| **change == Change::Client(WORKSPACE, client_id(number)));
        assert_eq!(u64::try_from(of_one.count()).unwrap(), CHANGES);
    }
}

/// A follower that was away too long, or comes from what a restored store has forgotten, is told to read again.
pub async fn a_version_that_the_feed_does_not_have_is_lost(store: Arc<dyn Store>) {
    keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await;
    let now = store.feed_version().await.unwrap();
    assert_eq!(store.changes(FeedVersion(now.0 + 1), 10).await.unwrap(), Feed::Lost);
    let from_the_beginning = match store.changes(FeedVersion(0), 10).await.unwrap() {
        Feed::Lost => true,
        Feed::Changes { changes, .. } => changes.contains(&Change::Workspace(WORKSPACE)),
    };
    assert!(from_the_beginning, "nothing is left out");
}

fn once(number: u64) -> SingleUse {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    SingleUse { kind: SingleUseKind::Assertion, id, until: NOW.plus(60) }
}

/// RFC 7523 section 3, RFC 9449 section 11.1: of all who present one `jti`, one is first.
pub async fn what_is_used_once_has_one_winner(store: Arc<dyn Store>) {
    const VALUES: u64 = 1000;
    const TASKS: usize = 64;
    for first in (0..VALUES).step_by(8) {
        let mut rounds = JoinSet::new();
        for number in first..first + 8 {
            let store = Arc::clone(&store);
            rounds.spawn(async move {
                let mut tasks = JoinSet::new();
                for _ in 0..TASKS {
                    let store = Arc::clone(&store);
                    tasks.spawn(async move { store.first_use(WORKSPACE, &once(number)).await.unwrap() });
                }
                let winners = tasks.join_all().await.into_iter().filter(|first| *first).count();
                assert_eq!(winners, 1, "value {number}");
                assert!(!store.first_use(WORKSPACE, &once(number)).await.unwrap(), "and never again");
            });
        }
        rounds.join_all().await;
    }
}

/// Two kinds never meet, nor do two workspaces; the end is signed into what is used, so another end is another.
pub async fn another_kind_end_or_workspace_is_another_use(store: Arc<dyn Store>) {
    let one = once(1);
    assert!(store.first_use(WORKSPACE, &one).await.unwrap());
    let others = [
        (WORKSPACE, SingleUse { kind: SingleUseKind::DpopProof, ..one }),
        (WORKSPACE, SingleUse { until: NOW.plus(61), ..one }),
        (WORKSPACE, once(2)),
        (WorkspaceId([8; 16]), one),
    ];
    for (workspace, other) in others {
        assert!(store.first_use(workspace, &other).await.unwrap());
        assert!(!store.first_use(workspace, &other).await.unwrap());
    }
    assert!(!store.first_use(WORKSPACE, &one).await.unwrap());
}

/// What is good no longer needs no remembering, and what is good is not forgotten.
pub async fn sweeping_keeps_a_use_until_its_end(store: Arc<dyn Store>) {
    assert!(keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await);
    assert!(store.first_use(WORKSPACE, &once(1)).await.unwrap());
    while store.sweep(NOW.plus(59), 100).await.unwrap().more {}
    assert!(!store.first_use(WORKSPACE, &once(1)).await.unwrap());
}

/// One replica rotates: of all who make the next key at once, one does.
pub async fn of_two_keys_with_one_serial_one_is_kept(store: Arc<dyn Store>) {
    assert!(keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await);
    let first = store.signing_keys(WORKSPACE).await.unwrap().remove(0);
    let taken = SigningKey { serial: first.serial, ..signing_key("late") };
    assert!(!store.insert_signing_key(WORKSPACE, &taken).await.unwrap(), "a first key's serial is taken too");
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        let key = SigningKey { serial: first.serial + 1, ..signing_key(&format!("next {number}")) };
        tasks.spawn(async move { store.insert_signing_key(WORKSPACE, &key).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|kept| *kept).count(), 1);
    assert_eq!(store.signing_keys(WORKSPACE).await.unwrap().len(), 2);
    let elsewhere = SigningKey { serial: first.serial, ..signing_key("elsewhere") };
    assert!(store.insert_signing_key(WorkspaceId([8; 16]), &elsewhere).await.unwrap(), "workspaces count by themselves");
}
