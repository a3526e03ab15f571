//! `jeton migrate`, and the schemas that a server runs on.

use std::path::Path;
use std::process::Command;

use jeton::store::Store;
use jeton::store::postgres::PostgresStore;
use jeton::store::postgres::migrate::{KNOWN, Outcome};
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio::task::spawn_blocking;

use super::{migrated, options, refusal};
use crate::cli::{Answer, answer, jeton};
use crate::store::sample::{WORKSPACE, client, grant_id, rotating};
use crate::support::postgres::{Database, PASSWORD, database};

const FIRST: &str = include_str!("../../../../src/store/postgres/migrations/0001_tables.sql");

fn migrate(directory: &Path, url: &str, arguments: &[&str]) -> Command {
    let mut command = jeton(directory);
    command.arg("migrate").args(arguments).env("JETON_STORE", url);
    command
}

async fn run(mut command: Command) -> Answer {
    spawn_blocking(move || answer(&mut command)).await.unwrap()
}

/// What a database of the first schema was made with.
fn schema_1() -> String {
    format!(
        "CREATE TABLE schema_info (one boolean PRIMARY KEY DEFAULT true CHECK (one), current integer NOT NULL, \
         min_compatible integer NOT NULL); {FIRST}; INSERT INTO schema_info (current, min_compatible) VALUES (1, 1)"
    )
}

async fn set_schema(database: &Database, current: i32, min_compatible: i32) {
    let statement = format!("UPDATE schema_info SET current = {current}, min_compatible = {min_compatible}");
    database.client().await.batch_execute(&statement).await.unwrap();
}

#[tokio::test]
async fn migrating_twice_does_nothing_the_second_time() {
    let (directory, database) = (tempdir().unwrap(), database().await);
    let first = run(migrate(directory.path(), &database.url(), &["--output", "json"])).await;
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    let first: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!((&first["from"], &first["to"]), (&json!(0), &json!(KNOWN)));
    assert_eq!(first["applied"].as_array().unwrap().len(), usize::try_from(KNOWN).unwrap());

    let second = run(migrate(directory.path(), &database.url(), &["--output", "json"])).await;
    let second: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(second, json!({ "from": KNOWN, "to": KNOWN, "applied": [] }));
    let told = run(migrate(directory.path(), &database.url(), &[])).await;
    assert!(told.stdout.ends_with(&format!("schema {KNOWN}, nothing to do\n")), "{}", told.stdout);
    assert!(!told.stdout.contains("p%40ss"), "{}", told.stdout);
}

#[tokio::test]
async fn check_says_what_is_there_and_changes_nothing() {
    let (directory, database) = (tempdir().unwrap(), database().await);
    for _ in 0..2 {
        let answer = run(migrate(directory.path(), &database.url(), &["--check", "--output", "json"])).await;
        assert_eq!(answer.code, 1);
        assert_eq!(serde_json::from_str::<Value>(&answer.stdout).unwrap(), json!({ "found": 0, "known": KNOWN }));
        assert!(answer.stderr.contains("run jeton migrate"), "{}", answer.stderr);
    }
    migrated(&options(&database.url())).await.unwrap();
    let answer = run(migrate(directory.path(), &database.url(), &["--check"])).await;
    assert_eq!((answer.code, answer.stdout), (0, format!("found  {KNOWN}\nknown  {KNOWN}\n")));
}

/// Two replicas of a new version that start together.
#[tokio::test]
async fn of_two_that_migrate_at_once_one_does_it_and_both_end_well() {
    let database = database().await;
    let options = options(&database.url());
    let both = tokio::join!(migrated(&options), migrated(&options));
    let mut outcomes = [both.0.unwrap(), both.1.unwrap()];
    outcomes.sort_by_key(|outcome| outcome.from);
    assert_eq!(outcomes, [Outcome { from: 0, to: KNOWN }, Outcome { from: KNOWN, to: KNOWN }]);
}

/// A reader that sits on a table delays a migration and does not break it.
#[tokio::test]
async fn a_step_waits_for_who_uses_its_table_and_says_so() {
    let database = database().await;
    let options = options(&database.url());
    let mut reader = database.client().await;
    reader.batch_execute(&schema_1()).await.unwrap();
    let writer = reader.transaction().await.unwrap();
    writer.batch_execute("LOCK TABLE clients IN ROW EXCLUSIVE MODE").await.unwrap();

    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let migrating = tokio::spawn(async move {
        let mut report = move |progress| said.send(format!("{progress:?}")).unwrap();
        jeton::store::postgres::migrate::migrate(&options, &mut report).await
    });
    while !heard.recv().await.unwrap().contains("somebody uses") {}
    writer.rollback().await.unwrap();
    assert_eq!(migrating.await.unwrap().unwrap(), Outcome { from: 1, to: KNOWN });
}

#[tokio::test]
async fn a_database_without_a_schema_is_refused_by_naming_the_command() {
    let refusal = refusal(options(&database().await.url())).await;
    assert!(refusal.contains("has no jeton schema: run `jeton migrate`"), "{refusal}");
}

/// Old and new replicas run side by side while one is replaced by the other: the one that began on the schema before
/// goes on while the database is migrated, and beside the one that began after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_runs_on_its_schema_and_on_the_one_before() {
    let database = database().await;
    let options = options(&database.url());
    database.client().await.batch_execute(&schema_1()).await.unwrap();
    let before = PostgresStore::open(options.clone()).await.unwrap();
    let alice = client(1).owner.unwrap();
    assert!(before.insert_client(WORKSPACE, &client(1)).await.unwrap());
    assert_eq!(before.clients_of(WORKSPACE, &alice, None, 10).await.unwrap().len(), 1);
    assert!(before.insert_grant(WORKSPACE, grant_id(1), &rotating()).await.unwrap());

    assert_eq!(migrated(&options).await.unwrap(), Outcome { from: KNOWN - 1, to: KNOWN });
    let after = PostgresStore::open(options).await.unwrap();
    for (number, store, other) in [(2, &before, &after), (3, &after, &before)] {
        assert!(store.insert_client(WORKSPACE, &client(number)).await.unwrap());
        assert!(other.client(WORKSPACE, &client(number).id).await.unwrap().is_some());
        let loaded = store.grant(WORKSPACE, grant_id(1)).await.unwrap().unwrap();
        assert!(other.swap_grant(WORKSPACE, grant_id(1), &loaded.version, &rotating()).await.unwrap());
        assert!(!store.swap_grant(WORKSPACE, grant_id(1), &loaded.version, &rotating()).await.unwrap());
    }
    for store in [&before, &after] {
        assert_eq!(store.clients_of(WORKSPACE, &alice, None, 10).await.unwrap().len(), 3);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_older_schema_than_that_is_refused_by_naming_the_command() {
    let database = database().await;
    migrated(&options(&database.url())).await.unwrap();
    set_schema(&database, i32::try_from(KNOWN).unwrap() - 2, 0).await;
    let refusal = refusal(options(&database.url())).await;
    assert!(refusal.contains("this jeton needs at least 1: run `jeton migrate`"), "{refusal}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_only_when_it_says_that_it_must_be() {
    let (directory, database) = (tempdir().unwrap(), database().await);
    let options = options(&database.url());
    migrated(&options).await.unwrap();
    let known = i32::try_from(KNOWN).unwrap();

    set_schema(&database, known + 1, known).await;
    PostgresStore::open(options.clone()).await.unwrap();
    assert_eq!(migrated(&options).await.unwrap(), Outcome { from: KNOWN + 1, to: KNOWN + 1 });

    set_schema(&database, known + 2, known + 1).await;
    let expected = format!("has schema {}, which needs a newer jeton than this one (it knows up to {KNOWN}", KNOWN + 2);
    let refused = refusal(options).await;
    assert!(refused.contains(&expected), "{refused}");
    for arguments in [&[][..], &["--check"]] {
        let answer = run(migrate(directory.path(), &database.url(), arguments)).await;
        assert_eq!(answer.code, 1);
        assert!(answer.stderr.contains(&expected), "{}", answer.stderr);
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_behind() {
    let database = database().await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE sessions (n int)").await.unwrap();
    let refusal = migrated(&options(&database.url())).await.unwrap_err().to_string();
    assert!(refusal.contains("step 1 (tables) was not made"), "{refusal}");
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(client.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn the_password_may_stand_in_a_file() {
    let (directory, database) = (tempdir().unwrap(), database().await);
    std::fs::write(directory.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    let url = database.url_without_password();
    let answer = run(migrate(directory.path(), &url, &["--set", "store.password_file=password"])).await;
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let missing = run(migrate(directory.path(), &url, &[])).await;
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("set store.password_file"), "{}", missing.stderr);
}

/// F2: a wrong password is named as such, and not repeated.
#[tokio::test]
async fn a_wrong_password_is_refused_unseen() {
    let (directory, database) = (tempdir().unwrap(), database().await);
    let url = database.url().replace("p%40ss", "hunter2");
    let answer = run(migrate(directory.path(), &url, &[])).await;
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("password authentication failed"), "{}", answer.stderr);
    assert!(answer.stderr.contains("store.password_file"), "{}", answer.stderr);
    assert!(!answer.stderr.contains("hunter2") && !answer.stderr.contains("word/of"), "{}", answer.stderr);
}

#[test]
fn the_embedded_store_has_nothing_to_migrate() {
    let directory = tempdir().unwrap();
    let refused = answer(jeton(directory.path()).arg("migrate"));
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("store.kind is sled: set JETON_STORE=postgres://"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
