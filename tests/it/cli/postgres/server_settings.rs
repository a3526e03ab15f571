//! The settings of the database without which it forgets what it answered.

use super::{migrated, options, refusal};
use crate::support::postgres::cluster::{Replication, Settings};
use crate::support::postgres::database;

async fn refused(settings: Settings) -> String {
    let cluster = settings.start().await;
    let database = cluster.database().await;
    migrated(&options(&database.url())).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_server_that_forgets_in_a_crash_is_refused_by_naming_the_setting() {
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        let refusal = refused(Settings::default().set(name, "off")).await;
        assert!(refusal.contains(&format!("set {name} = on there")), "{refusal}");
    }
}

/// What counts is what holds for the session, not what stands in the server's file.
#[tokio::test]
async fn a_role_that_does_not_wait_for_the_disk_is_refused() {
    let database = database().await;
    migrated(&options(&database.url())).await.unwrap();
    let own = format!("ALTER DATABASE {} SET synchronous_commit = off", database.name());
    database.client().await.batch_execute(&own).await.unwrap();
    let refusal = refusal(options(&database.url())).await;
    assert!(refusal.contains("set synchronous_commit = on there"), "{refusal}");
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let shared = database().await;
    let name = format!("{}_latin1", shared.name());
    let create = format!("CREATE DATABASE {name} OWNER jeton ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    shared.superuser().await.batch_execute(&create).await.unwrap();
    let url = shared.url().replace(shared.name(), &name);
    let refusal = migrated(&options(&url)).await.unwrap_err().to_string();
    assert!(refusal.contains("the encoding LATIN1: create it with ENCODING 'UTF8'"), "{refusal}");
}

/// A standby takes no writes: alone it is refused, among others it is passed over.
#[tokio::test]
async fn of_several_hosts_the_one_that_takes_writes_is_found() {
    let primary = Settings::default().start().await;
    let database = primary.database().await;
    let standby = primary.standby(Replication::Asynchronous).await;
    let alone = migrated(&options(&database.on(&standby).url())).await.unwrap_err().to_string();
    assert!(alone.contains(&format!("{}: a standby, which takes no writes", standby.address())), "{alone}");
    migrated(&options(&database.url_at(&[standby.address(), primary.address()]))).await.unwrap();
}

#[tokio::test]
async fn a_host_that_nobody_answers_on_is_passed_over() {
    let database = database().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let both = database.url_at(&[closed, database.address()]);
    migrated(&options(&both)).await.unwrap();
    let none = migrated(&options(&database.url_at(&[closed]))).await.unwrap_err().to_string();
    assert!(none.contains(&format!("{closed}: ")) && none.contains("refused"), "{none}");
}
