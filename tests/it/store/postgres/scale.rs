//! What must not depend on how much there is.

use std::time::Duration;

use jeton::store::Store;

use crate::store::contract::token_revoked;
use crate::store::postgres::open;
use crate::store::sample::{NOW, WORKSPACE};
use crate::support::postgres::migrated;

/// Sweeping finds what is over by its index, however large the table is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeping_never_reads_the_whole_table() {
    let database = migrated().await;
    let owner = database.client().await;
    let fill = "INSERT INTO grants (workspace, id, version, sweep_at, record) \
                SELECT decode(repeat('07', 16), 'hex'), decode(lpad(to_hex(n), 32, '0'), 'hex'), '\\x00', \
                       CASE WHEN n <= 1200 THEN $1::bigint - n ELSE $1::bigint + n END, '\\x00' FROM generate_series(1, 30000) n";
    owner.execute(fill, &[&NOW.0]).await.unwrap();
    owner.batch_execute("ANALYZE grants").await.unwrap();
    let scans = async || -> (i64, i64) {
        let row =
            owner.query_one("SELECT seq_scan, n_tup_del FROM pg_stat_user_tables WHERE relname = 'grants'", &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    let store = open(&database).await;
    let (before, _) = scans().await;
    let mut removed = 0;
    while removed < 1200 {
        removed += store.sweep(NOW, 500).await.unwrap().removed;
    }
    assert_eq!(removed, 1200);
    store.close().await.unwrap();
    // A connection tells what it did when it ends.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let after = loop {
        match scans().await {
            (after, 1200) => break after,
            _ => assert!(tokio::time::Instant::now() < deadline, "the statistics do not come"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(after, before, "the whole table was read");
}

/// A replica starts with however many marks there are, and knows the first and the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_starts_with_many_marks() {
    let database = migrated().await;
    let owner = database.client().await;
    let slot = i16::try_from(NOW.0.div_euclid(7200).rem_euclid(16)).unwrap();
    let fill = "INSERT INTO changes (slot, version, at, kind, workspace, key, value) \
                SELECT $1, n, $2::bigint, 10, decode(repeat('07', 16), 'hex'), convert_to('j' || n, 'UTF8'), $2::bigint + 600 \
                FROM generate_series(1, 45000) n";
    owner.execute(fill, &[&slot, &NOW.0]).await.unwrap();
    owner.batch_execute("UPDATE feed SET version = 45000").await.unwrap();
    let store = open(&database).await;
    for jti in ["j1", "j10000", "j10001", "j45000"] {
        assert!(token_revoked(&store, WORKSPACE, jti).await, "{jti} was revoked");
    }
    assert!(!token_revoked(&store, WORKSPACE, "j45001").await);
    assert_eq!(store.sweep(NOW.plus(600), 1_000_000).await.unwrap().removed, 45_000, "and forgets them");
    assert!(!token_revoked(&store, WORKSPACE, "j1").await);
    store.close().await.unwrap();
}
