//! `jeton serve` on PostgreSQL, by the real binary.

use jeton::store::postgres::migrate::KNOWN;
use tokio::task::spawn_blocking;

use super::{migrated, options};
use crate::binary::server::{Server, Site};
use crate::support::postgres::database;

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A server on a database, in a directory of its own.
async fn serve(
    url: &str,
    arguments: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
) -> (Site, Server) {
    let url = url.to_owned();
    spawn_blocking(move || {
        let site = Site::new();
        let mut command = site.command(&[&["serve", "--output", "json"], arguments].concat());
        command.env("JETON_STORE", url).envs(variables.iter().copied());
        let server = crate::binary::server::start(command, &site.file("log")).ready();
        (site, server)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn development_mode_migrates_by_itself_and_makes_a_master_key() {
    let database = database().await;
    let (site, server) = serve(&database.url(), &["--dev"], &[]).await;
    assert_eq!(server.summary["store"], database.url().replace("p%40ss%20word%2Fof%3Atests", "***"));
    assert!(server.summary["dev"]["service"]["client_secret"].is_string());
    assert!(site.data_dir().join("master-key").is_file());
    let current: i32 = database.client().await.query_one("SELECT current FROM schema_info", &[]).await.unwrap().get(0);
    assert_eq!(u32::try_from(current).unwrap(), KNOWN);
    assert!(!server.log().contains("p%40ss") && !server.log().contains("p@ss"), "{}", server.log());
}

/// Replicas share the keys in the database, because they share the master key.
#[tokio::test]
async fn a_second_replica_takes_the_token_that_the_first_signed() {
    let database = database().await;
    migrated(&options(&database.url())).await.unwrap();
    let variables =
        &[("JETON_MASTER_KEY", MASTER_KEY), ("JETON_ADMIN_TOKEN", MASTER_KEY), ("JETON_ISSUER", "https://id.example.org")];
    let (one, other) = (serve(&database.url(), &[], variables).await, serve(&database.url(), &[], variables).await);
    let jwks = async |server: &Server| reqwest::get(server.http("/oauth2/jwks")).await.unwrap().text().await.unwrap();
    assert_eq!(jwks(&one.1).await, jwks(&other.1).await);
    assert!(jwks(&one.1).await.contains("\"kid\""));
    assert!(!one.0.data_dir().join("master-key").exists());
    assert!(one.1.log().contains("does not replicate synchronously"), "{}", one.1.log());
}

#[tokio::test]
async fn a_server_does_not_migrate_what_an_operator_should() {
    let database = database().await;
    let refused = spawn_blocking(move || {
        let site = Site::new();
        let mut command = site.command(&["serve"]);
        command.env("JETON_STORE", database.url()).env("JETON_MASTER_KEY", MASTER_KEY);
        crate::binary::server::run(command)
    });
    let refused = refused.await.unwrap();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("run `jeton migrate`"), "{refused:?}");
}
