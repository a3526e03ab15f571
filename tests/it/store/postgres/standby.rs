//! A commit that no standby has is no commit.

use std::sync::Arc;
use std::time::Duration;

use jeton::store::{Store, StoreError};

use crate::store::postgres::open_waiting;
use crate::store::sample::{WORKSPACE, active, client, grant_id};
use crate::support::postgres::cluster::Settings;

/// STORE section 5: a cancelled wait leaves the commit in place with only a warning, and a fail-over would lose it.
/// Neither the answer nor what is found there afterwards may be taken for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_standby_has_is_not_acknowledged_however_its_wait_ended() {
    let cluster = Settings::default().start().await;
    let database = cluster.database().await;
    database.migrate().await;
    let store = Arc::new(open_waiting(&database.url(), Duration::from_secs(3)).await);
    assert!(store.insert_client(WORKSPACE, &client(1)).await.unwrap());

    let operator = database.superuser().await;
    operator.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await.unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let cancelling = tokio::spawn(async move {
        let mut cancelled = 0_i64;
        loop {
            let waiting = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
            let count: i64 = operator.query_one(waiting, &[]).await.unwrap().get(0);
            cancelled += count;
            // The first wait and that of the look that confirms it; the settings need a moment to reach everybody.
            if cancelled >= 2 {
                return (operator, cancelled);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut outcomes = Vec::new();
    for number in 0..50 {
        let inserted = store.insert_grant(WORKSPACE, grant_id(number), &active()).await;
        let failed = inserted.is_err();
        outcomes.push(inserted);
        if failed {
            break;
        }
    }
    let (operator, cancelled) = cancelling.await.unwrap();
    assert!(cancelled >= 2);
    assert!(matches!(outcomes.last(), Some(Err(StoreError::Unavailable(_)))), "the last of {} was acknowledged", outcomes.len());

    // The standby that was waited for is not needed any more: everything goes on.
    operator.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").await.unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while store.insert_grant(WORKSPACE, grant_id(1000), &active()).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the store does not come back");
    }
    store.close().await.unwrap();
}
