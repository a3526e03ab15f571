//! The database server of the tests and the network before it: that they do what the tests of the store rely on.

use std::time::Duration;

use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::support::postgres::cluster::{Replication, Settings};
use crate::support::postgres::{Database, database};
use crate::support::proxy::{Lost, Proxy};

async fn count(database: &Database) -> i64 {
    database.client().await.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn every_database_is_empty_and_durable_and_its_owner_no_superuser() {
    let (one, other) = (database().await, database().await);
    let client = one.client().await;
    client.batch_execute("CREATE TABLE t (n int PRIMARY KEY)").await.unwrap();
    other.client().await.batch_execute("CREATE TABLE t (n int PRIMARY KEY)").await.unwrap();
    for (setting, expected) in
        [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"), ("is_superuser", "off")]
    {
        let found: String = client.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0);
        assert_eq!(found, expected, "{setting}");
    }
    let row = one.superuser().await.query_one("SELECT current_setting('is_superuser'), current_database()", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("on", one.name()));
}

#[tokio::test]
async fn only_the_password_opens_a_database() {
    let database = database().await;
    let refused = async |url: &str| tokio_postgres::connect(url, NoTls).await.err().unwrap();
    let wrong = refused(&database.url().replace("p%40ss", "p%40st")).await;
    assert_eq!(wrong.code(), Some(&SqlState::INVALID_PASSWORD));
    assert!(refused(&database.url_without_password()).await.code().is_none());
}

#[tokio::test]
async fn a_promoted_standby_has_what_the_killed_primary_answered() {
    let primary = Settings::default().set("wal_level", "replica").start().await;
    let database = primary.database().await;
    let standby = primary.standby(Replication::Synchronous).await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)").await.unwrap();
    primary.kill();
    standby.promote();
    let moved = database.on(&standby);
    assert_eq!(count(&moved).await, 1);
    moved.client().await.batch_execute("INSERT INTO t VALUES (2)").await.unwrap();
}

#[tokio::test]
async fn an_asynchronous_standby_follows_and_takes_no_part_in_an_answer() {
    let hosts = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n";
    let primary = Settings::default().file("pg_hba.conf", hosts).start().await;
    let standby = primary.standby(Replication::Asynchronous).await;
    standby.stop();
    let database = primary.database().await;
    database.client().await.batch_execute("CREATE TABLE t (n int)").await.unwrap();
    standby.start_again();
    let state = standby.superuser().await.query_one("SELECT pg_is_in_recovery()", &[]).await.unwrap();
    assert!(state.get::<_, bool>(0));
}

#[tokio::test]
async fn a_killed_server_starts_again_with_what_it_answered() {
    let cluster = Settings::default().start().await;
    let database = cluster.database().await;
    database.client().await.batch_execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)").await.unwrap();
    assert!(cluster.cpu() > Duration::ZERO);
    cluster.kill();
    cluster.start_again();
    assert_eq!(count(&database).await, 1);
    cluster.stop();
    cluster.start_again();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_lost_answer_is_of_what_was_done_and_a_lost_request_of_what_was_not() {
    let database = database().await;
    database.client().await.batch_execute("CREATE TABLE t (n bytea)").await.unwrap();
    let proxy = Proxy::before(database.address()).await;
    let through = database.on(&proxy);
    let insert = "INSERT INTO t VALUES ($1)";
    let value: &[u8] = b"this one";
    for (number, lost, done) in [(1, Lost::Answer, 1), (2, Lost::Request, 1), (3, Lost::Answer, 2)] {
        let client = through.client().await;
        proxy.lose(lost, value);
        client.execute(insert, &[&&b"another"[..]]).await.unwrap();
        assert!(client.execute(insert, &[&value]).await.is_err(), "{lost:?}");
        assert_eq!((proxy.losses(), count(&database).await), (number, i64::try_from(number).unwrap() + done));
    }
}

#[tokio::test]
async fn a_black_hole_answers_nothing_until_it_is_healed() {
    let database = database().await;
    let proxy = Proxy::before(database.address()).await;
    let client = database.on(&proxy).client().await;
    proxy.black_hole();
    let asked = tokio::spawn(async move { client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0) });
    database.client().await.query_one("SELECT 1", &[]).await.unwrap();
    assert!(!asked.is_finished());
    proxy.heal();
    assert_eq!(asked.await.unwrap(), 1);
}
