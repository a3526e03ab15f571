//! A day's load, hour by hour under a clock of the test: what ends is gone soon after, whatever kind it is.

use std::sync::Arc;

use jeton::store::grant::revoke::revoke;
use jeton::store::grant::{Active, CodeIssued, Grant, State, transition};
use jeton::store::postgres::{PostgresOptions, PostgresStore, migrate};
use jeton::store::token::{SingleUse, SingleUseKind};
use jeton::store::{Store, StoreError};
use jeton::types::entropy::{Entropy, OsEntropy};
use jeton::types::ids::{GrantId, SessionId};
use jeton::types::secret::Secret;
use jeton::types::time::{Clock, ManualClock, UnixMillis, UnixSeconds};

use crate::store::sample::{NOW, WORKSPACE, active, code_issued, keep_workspace, session, workspace};
use crate::support::postgres::{Database, database};

const HOUR: i64 = 3600;
/// Of each kind in each hour.
const LOAD: u8 = 5;

/// STORE section 8: no table grows without bound under steady load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_table_grows_for_longer_than_what_is_in_it_lives() {
    let database = database().await;
    let clock = Arc::new(ManualClock::at(NOW));
    let options =
        PostgresOptions { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..PostgresOptions::new(Secret::new(database.url())) };
    migrate::migrate(&options, &mut |_| ()).await.unwrap();
    // Two replicas sweep beside each other.
    let (one, other) = (PostgresStore::open(options.clone()).await.unwrap(), PostgresStore::open(options).await.unwrap());
    keep_workspace(&one, &workspace(WORKSPACE, "acme")).await;

    let mut after_two_days = None;
    for hour in 0..72 {
        let now = NOW.plus(hour * HOUR);
        clock.advance_seconds(if hour == 0 { 0 } else { HOUR });
        load(&one, now).await;
        let (first, second) = tokio::join!(sweep(&one, now), sweep(&other, now));
        first.unwrap();
        second.unwrap();
        if hour == 47 {
            after_two_days = Some(rows(&database).await);
        }
    }
    let after_three = rows(&database).await;
    for ((table, count), (_, before)) in after_three.iter().zip(&after_two_days.unwrap()) {
        // Two replicas that want to empty a part at the same moment both leave it for the next time.
        assert!(table == "single_uses" || count == before, "{table}: {count} rows after three days, and {before} after two");
        let hourly = i64::from(LOAD);
        let most = match table.as_str() {
            // Everything in them ends within the hour.
            "grants" | "sessions" => 3 * hourly,
            // A day and some hours of marks: one for each revoked grant and one for each revoked token.
            "changes" => 2 * hourly * 32,
            // Parts of two hours each, and this is good for five minutes.
            "single_uses" => hourly * 8,
            _ => 2,
        };
        assert!(*count <= most, "{table} has {count} rows, and may have {most}");
    }
    one.close().await.unwrap();
    other.close().await.unwrap();
}

/// An hour's load: codes that nobody redeems, grants that end by themselves and others that are revoked, sessions,
/// revoked tokens, proofs.
async fn load(store: &PostgresStore, now: UnixSeconds) {
    let entropy: &dyn Entropy = &OsEntropy;
    for number in 0..LOAD {
        let id = || GrantId::generate(UnixMillis(now.0 * 1000), entropy).unwrap();
        let created_at = UnixMillis(now.0 * 1000);
        let State::CodeIssued(code) = code_issued().state else { unreachable!() };
        let code =
            Grant { created_at, state: State::CodeIssued(CodeIssued { expires_at: now.plus(60), ..code }), ..code_issued() };
        assert!(store.insert_grant(WORKSPACE, id(), &code).await.unwrap());
        let State::Active(begun) = active().state else { unreachable!() };
        let begun = Grant { created_at, state: State::Active(Active { expires_at: now.plus(900), ..begun }), ..active() };
        assert!(store.insert_grant(WORKSPACE, id(), &begun).await.unwrap());
        let ended = id();
        assert!(store.insert_grant(WORKSPACE, ended, &begun).await.unwrap());
        let loaded = store.grant(WORKSPACE, ended).await.unwrap().unwrap();
        transition(store, WORKSPACE, ended, loaded, |grant| revoke(grant, now, "signed out")).await.unwrap();
        store.revoke_token(WORKSPACE, &format!("{now}-{number}"), now.plus(900)).await.unwrap();
        let session_id = SessionId(entropy.array().unwrap());
        assert!(store.insert_session(WORKSPACE, session_id, &session(now.plus(600))).await.unwrap());
        let once = SingleUse { kind: SingleUseKind::DpopProof, id: entropy.array().unwrap(), until: now.plus(300) };
        assert!(store.first_use(WORKSPACE, &once).await.unwrap());
        assert!(!store.first_use(WORKSPACE, &once).await.unwrap());
    }
}

async fn sweep(store: &PostgresStore, now: UnixSeconds) -> Result<(), StoreError> {
    while store.sweep(now, 500).await?.more {}
    Ok(())
}

/// How many rows each table has.
async fn rows(database: &Database) -> Vec<(String, i64)> {
    let client = database.client().await;
    let tables = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1";
    let mut counts = Vec::new();
    for row in client.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let count: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        counts.push((table, count));
    }
    counts
}
