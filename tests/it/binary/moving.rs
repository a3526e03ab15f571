//! `jeton export` and `jeton import`: what was given out before works after, and a kill in between costs nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use jeton::keys::master_key::MasterKey;
use jeton::store::moving::Purpose;
use jeton::store::sled::{SledOptions, SledStore};
use jeton::types::entropy::SeededEntropy;
use serde_json::Value;

use crate::binary::kill::story::{Client, Story};
use crate::binary::people::{Browser, PASSWORD, REDIRECT_URI};
use crate::binary::server::{Callers, Server, Site};
use crate::store::moving::{everything, fill, filled};
use crate::support::postgres::database;

/// The issuer is the deployment's, wherever its store is.
const ISSUER: &[&str] = &["--set", "issuer=http://127.0.0.1:8080", "--set", "lifetimes.code_seconds=600"];

fn serve(site: &Site, more: &[&str]) -> Server {
    site.serve(&[ISSUER, more].concat())
}

/// What people and clients hold.
struct Held {
    client: Arc<Client>,
    unredeemed: Story,
    rotating: Story,
    ended: Story,
    ended_token: Story,
    cookies: BTreeMap<String, String>,
    consents: Value,
    keys: Value,
}

async fn begin(callers: &Callers, client: &Arc<Client>) -> Story {
    Story::begin(callers, Arc::clone(client)).await.done("a code is issued")
}

async fn redeem(callers: &Callers, client: &Arc<Client>) -> Story {
    let mut story = begin(callers, client).await;
    let tokens = client.redeem(callers, &story.code).await.done("a code is redeemed");
    story.keep(tokens);
    story
}

async fn keys(server: &Server) -> Value {
    reqwest::get(server.http("/oauth2/jwks")).await.unwrap().json().await.unwrap()
}

/// Uses a server until there is something of every kind.
async fn live(site: &Site, server: &Server) -> Held {
    let callers = Callers::connect(site, server).await;
    let client = Client::register(&callers).await.done("a client is registered");
    let unredeemed = begin(&callers, &client).await;
    let mut rotating = redeem(&callers, &client).await;
    let tokens = client.refresh(&callers, rotating.newest()).await.done("a refresh token is used");
    rotating.keep(tokens);
    let ended = redeem(&callers, &client).await;
    client.revoke(&callers, ended.newest()).await.done("a grant is revoked");
    let ended_token = redeem(&callers, &client).await;
    client.revoke(&callers, &ended_token.access_token).await.done("a token is revoked");

    site.json_with_input(&["user", "create", "alice", "--password-stdin"], "correct horse\n");
    let web = site.json(&["client", "create", "--name", "Web", "--scope", "read", "--redirect-uri", REDIRECT_URI]);
    Browser::new(server).allow(web["client_id"].as_str().unwrap(), "alice").await;
    let mut browser = Browser::new(server);
    assert_eq!(browser.sign_in("/login", "alice", PASSWORD).await.status, 303);
    assert_eq!(browser.get("/oauth2/apps").await.status, 200);
    let cookies = browser.cookies;
    let consents = site.json(&["user", "consents", "alice"]);
    assert_eq!(consents.as_array().unwrap().len(), 1);
    let keys = keys(server).await;
    Held { client, unredeemed, rotating, ended, ended_token, cookies, consents, keys }
}

/// Everything works at another server as it would have at the old one.  What is used up here, another takes its place.
async fn works(site: &Site, server: &Server, held: &mut Held) {
    let callers = Callers::connect(site, server).await;
    let client = Arc::clone(&held.client);
    assert_eq!(keys(server).await, held.keys);
    assert!(client.active(&callers, &held.rotating.access_token).await, "a token of before is active");
    for ended in [&held.ended, &held.ended_token] {
        assert!(!client.active(&callers, &ended.access_token).await, "what was revoked stays revoked");
    }
    client.refresh(&callers, held.ended.newest()).await.refused("its grant was revoked before");
    let tokens = client.refresh(&callers, held.rotating.newest()).await.done("a refresh token of before works");
    held.rotating.keep(tokens);
    client.redeem(&callers, &held.unredeemed.code).await.done("a code of before works");
    client.redeem(&callers, &held.unredeemed.code).await.refused("but only once");
    client.redeem(&callers, &held.rotating.code).await.refused("it was used before");
    held.rotating = redeem(&callers, &client).await;
    held.unredeemed = begin(&callers, &client).await;

    let mut browser = Browser::new(server);
    browser.cookies = held.cookies.clone();
    assert_eq!(browser.get("/oauth2/apps").await.status, 200, "a person is still signed in");
    assert_eq!(Browser::new(server).sign_in("/login", "alice", PASSWORD).await.status, 303);
    assert_eq!(site.json(&["user", "consents", "alice"]), held.consents);
}

/// Takes over what is not in a dump.
fn copy_secrets(from: &Site, to: &Site) {
    fs::DirBuilder::new().mode(0o700).create(to.data_dir()).unwrap();
    for secret in ["master-key", "admin-token"] {
        fs::copy(from.data_dir().join(secret), to.data_dir().join(secret)).unwrap();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A client, a code, a refresh token, a session, a consent and the signing keys from before work after.
#[tokio::test]
async fn what_was_given_out_before_a_move_works_after_it() {
    let [first, second, third] = [Site::new(), Site::new(), Site::new()];
    let server = serve(&first, &[]);
    let mut held = live(&first, &server).await;
    let dump = first.file("dump");
    let busy = first.run(&["export", text(&dump), "--yes"]);
    assert_eq!(busy.code, Some(1), "{busy:?}");
    assert!(busy.stderr.contains("another jeton process uses the data directory"), "{busy:?}");
    assert!(server.stop().success());

    let exported = first.json(&["export", text(&dump), "--yes"]);
    assert_eq!(exported["status"], "exported");
    assert_eq!(exported["records"]["sessions"], 2);
    let refused = first.run(&["serve"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("was moved away and serves no more"), "{refused:?}");
    assert_eq!(first.json(&["export", text(&dump), "--yes"])["status"], "already_exported");

    // To PostgreSQL.
    let database = database().await;
    copy_secrets(&first, &second);
    let config = second.file("jeton.toml");
    let master_key = second.data_dir().join("master-key");
    let settings = format!("[store]\nkind = \"{}\"\n[secrets]\nmaster_key_file = \"{}\"\n", database.url(), text(&master_key));
    fs::write(&config, settings).unwrap();
    let with_database = ["--config", text(&config)];
    let import = [&["import", text(&dump)], &with_database[..]].concat();
    assert_eq!(second.json(&[&["migrate"], &with_database[..]].concat())["from"], 0);
    let imported = second.json(&import);
    assert_eq!((&imported["status"], &imported["records"]), (&"imported".into(), &exported["records"]));
    assert_eq!(second.json(&import)["status"], "already_imported");
    let server = serve(&second, &with_database);
    works(&second, &server, &mut held).await;
    assert!(server.stop().success());

    // And back.
    let back = second.file("back");
    let exported = second.json(&[&["export", text(&back), "--yes"], &with_database[..]].concat());
    let refused = second.run(&[&["serve"], &with_database[..]].concat());
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("was moved away and serves no more"), "{refused:?}");
    copy_secrets(&second, &third);
    let imported = third.run(&["import", text(&back)]);
    assert_eq!((imported.code, imported.stderr.as_str()), (Some(0), ""), "{imported:?}");
    assert!(imported.stdout.contains(&format!("imported {} records", exported["total"])), "{imported:?}");
    let server = serve(&third, &[]);
    works(&third, &server, &mut held).await;
    assert!(server.stop().success());
}

/// kill -9 in the middle of an import, again and again: nothing is served, and the same command goes on.
#[tokio::test]
async fn a_killed_import_goes_on() {
    const GRANTS: u64 = 20_000;

    let site = Site::new();
    let master_key = MasterKey::generate(&SeededEntropy::new(1)).unwrap();
    let open =
        |dir: &Path, purpose| SledStore::open(SledOptions { min_free_bytes: 0, purpose, ..SledOptions::new(dir) }).unwrap();
    let old = site.file("old");
    fill(&open(&old, Purpose::Serve), &master_key, GRANTS).await;
    let key = site.file("key");
    fs::write(&key, master_key.encode().expose_secret()).unwrap();
    let dump = site.file("dump");
    let with_key = format!("secrets.master_key_file={}", text(&key));
    let mut export = site.command(&["export", text(&dump), "--yes", "--set", &with_key]);
    let exported = crate::binary::server::run({
        export.env("JETON_DATA_DIR", &old);
        export
    });
    assert_eq!(exported.code, Some(0), "{exported:?}");

    let import = ["import", text(&dump), "--set", &with_key, "--output", "json"];
    let database = site.data_dir().join("store/db");
    let mut interrupted = 0;
    for megabytes in [1, 2, 3] {
        let mut child = site.command(&import).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while fs::metadata(&database).map_or(0, |db| db.len()) < megabytes << 20 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let refused = site.run(&["serve", "--set", &with_key]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        if refused.stderr.contains("was interrupted: run jeton import again") {
            interrupted += 1;
        }
    }
    assert!(interrupted > 0, "no kill hit the import");
    let imported = site.run(&import);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let report: Value = serde_json::from_str(&imported.stdout).unwrap();
    assert_eq!((&report["status"], &report["total"]), (&"imported".into(), &filled(GRANTS).total().into()));
    let before = everything(&open(&old, Purpose::MoveAway)).await;
    assert!(everything(&open(&site.data_dir(), Purpose::Serve)).await == before);
}

/// SECURITY 5: another master key is a mistake of the configuration, found before anything is made.
#[test]
fn commands_that_cannot_be_done_say_why() {
    let site = Site::new();
    let nobody = site.run(&["export", "dump"]);
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    assert!(nobody.stderr.contains("confirm it with --yes"), "{nobody:?}");
    let nothing = site.run(&["export", "dump", "--yes"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(nothing.stderr.contains("there is no store in"), "{nothing:?}");
    assert!(!site.data_dir().exists() && !site.file("dump.part").exists());

    assert!(site.serve(&[]).stop().success());
    assert_eq!(site.run(&["export", "dump", "--yes"]).code, Some(0));
    let other = Site::new();
    let dump = site.file("dump");
    let keyless = other.run(&["import", text(&dump)]);
    assert_eq!(keyless.code, Some(2), "{keyless:?}");
    assert!(keyless.stderr.contains("JETON_MASTER_KEY_FILE"), "{keyless:?}");
    let missing = other.run(&[
        "import",
        "nowhere",
        "--set",
        &format!("secrets.master_key_file={}", text(&site.data_dir().join("master-key"))),
    ]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("nowhere cannot be used"), "{missing:?}");
    copy_secrets(&site, &other);
    let bytes = fs::read(&dump).unwrap();
    let damaged = other.file("damaged");
    fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
    let refused = other.run(&["import", text(&damaged), "--output", "json"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let failure: Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!(failure["error"], "damaged_dump");
    assert!(failure["message"].as_str().unwrap().starts_with("the dump stops at byte "), "{failure}");
    assert!(!other.data_dir().join("store").exists(), "nothing is made of it");
}
