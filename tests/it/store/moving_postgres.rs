//! Moving a deployment to PostgreSQL and back.

use std::path::PathBuf;

use jeton::config::{Config, Sources};
use jeton::keys::master_key::MasterKey;
use jeton::server::moving::{Moved, Progress, export, import};
use jeton::server::start::Ports;
use jeton::store::dump::Reader;
use jeton::store::feed::FeedVersion;
use jeton::store::moving::{Item, Moving, Purpose};
use jeton::store::postgres::migrate::migrate;
use jeton::store::postgres::{PostgresMover, PostgresOptions, PostgresStore};
use jeton::store::sled::{SledOptions, SledStore};
use jeton::store::token::IssuedToken;
use jeton::store::{Health, Store, StoreError};
use jeton::types::entropy::SeededEntropy;
use jeton::types::ids::{GrantId, Subject, WorkspaceId};
use jeton::types::secret::Secret;
use tempfile::TempDir;

use crate::store::moving::{everything, fill, filled};
use crate::store::sample::{NOW, WORKSPACE, client_id, grant_id, user};
use crate::support::postgres::{Database, database};

const GRANTS: u64 = 1200;

/// A place for embedded stores and dumps, and the master key of all stores.
struct Scene {
    dir: TempDir,
    master_key: MasterKey,
}

impl Scene {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), master_key: MasterKey::generate(&SeededEntropy::new(1)).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn config(&self, dir: &str, store: &str) -> Config {
        let environment = [
            ("JETON_DATA_DIR".into(), self.path(dir).into()),
            ("JETON_STORE".into(), store.into()),
            ("JETON_MASTER_KEY".into(), self.master_key.encode().expose_secret().into()),
        ];
        let flags = vec!["store.min_free_bytes=0".to_owned()];
        Config::load(&Sources { environment: environment.into(), flags, ..Sources::default() }).unwrap()
    }

    fn sled(&self, dir: &str, purpose: Purpose) -> SledStore {
        SledStore::open(SledOptions { min_free_bytes: 0, purpose, ..SledOptions::new(self.path(dir)) }).unwrap()
    }

    /// A dump of an embedded store with every kind of record, and what was in it.
    async fn dump(&self, grants: u64) -> Vec<Vec<u8>> {
        fill(&self.sled("old", Purpose::Serve), &self.master_key, grants).await;
        let before = everything(&self.sled("old", Purpose::MoveAway)).await;
        let config = self.config("old", "sled");
        export(&config, &Ports::system(), &self.path("dump"), &mut |_| {}).await.unwrap();
        before
    }

    async fn import(&self, database: &Database) -> Result<Moved, String> {
        let config = self.config("replica", &database.url());
        let moved = import(&config, &Ports::system(), &self.path("dump"), &mut |_| {}).await;
        moved.map_err(|error| error.to_string())
    }
}

fn options(database: &Database) -> PostgresOptions {
    PostgresOptions::new(Secret::new(database.url()))
}

async fn migrated() -> Database {
    let database = database().await;
    migrate(&options(&database), &mut |_| {}).await.unwrap();
    database
}

async fn mover(database: &Database, purpose: Purpose) -> PostgresMover {
    PostgresMover::open(options(database), purpose).await.unwrap()
}

async fn refusal(database: &Database) -> String {
    match PostgresStore::open(options(database)).await {
        Ok(_) => panic!("it opened"),
        Err(StoreError::Refused(sentence)) => sentence,
        Err(error) => panic!("{error}"),
    }
}

async fn stands(store: &PostgresStore, workspace: WorkspaceId, jti: &str, grant: Option<GrantId>, subject: &str) -> bool {
    let (subject, client) = (Subject::parse(subject).unwrap(), client_id(1));
    store.token_stands(workspace, &IssuedToken { jti, grant, subject: &subject, client: &client }).await.unwrap()
}

/// Every record arrives as it was, there and back, and what was revoked stays revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_moves_to_postgresql_and_back() {
    let scene = Scene::new();
    let before = scene.dump(GRANTS).await;
    let database = migrated().await;
    assert_eq!(scene.import(&database).await.unwrap().counts, filled(GRANTS));
    assert!(scene.import(&database).await.unwrap().already);
    let there = mover(&database, Purpose::MoveAway).await;
    assert_eq!(there.counts().await.unwrap(), filled(GRANTS));
    assert!(everything(&there).await == before);

    let replica = PostgresStore::open(options(&database)).await.unwrap();
    let other = WorkspaceId([8; 16]);
    assert!(stands(&replica, WORKSPACE, "j2", Some(grant_id(10)), "alice").await);
    assert!(!stands(&replica, WORKSPACE, "j2", Some(grant_id(4)), "alice").await, "the grant was revoked");
    assert!(!stands(&replica, WORKSPACE, "j1", None, "alice").await, "the token was revoked");
    assert!(!stands(&replica, other, "j1", None, "alice").await, "in this workspace too");
    assert!(!stands(&replica, WORKSPACE, "j2", Some(grant_id(10)), "älice").await, "the person was disabled");

    let (config, mut told) = (scene.config("replica", &database.url()), Vec::new());
    let back = scene.path("back");
    let moved = export(&config, &Ports::system(), &back, &mut |progress| told.push(progress)).await.unwrap();
    assert_eq!(moved.counts, filled(GRANTS));
    assert!(told.iter().any(|progress| matches!(progress, Progress::Waiting(_))), "{told:?}");
    // A replica that has not looked cannot keep anything, and one that looks stops for good.
    assert!(replica.insert_user(WORKSPACE, &user("bob")).await.is_err());
    assert!(replica.changes(FeedVersion(0), 10).await.is_err());
    assert!(matches!(&*replica.health().borrow(), Health::Failed(why) if why.contains("was moved away and serves no more")));
    let refused = refusal(&database).await;
    assert!(refused.starts_with(&format!("the database {} was moved away and serves no more: exported to ", database.name())));

    import(&scene.config("third", "sled"), &Ports::system(), &back, &mut |_| {}).await.unwrap();
    assert!(everything(&scene.sled("third", Purpose::Serve)).await == before);
    let refused = scene.import(&database).await.unwrap_err();
    assert!(refused.contains("was moved away"), "{refused}");
}

/// An interrupted import is gone on with; until then nothing is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_import_goes_on() {
    let scene = Scene::new();
    let before = scene.dump(3).await;
    let mut reader = Reader::open(std::fs::File::open(scene.path("dump")).unwrap()).unwrap();
    let dump = reader.header().dump;
    let items: Vec<Item> = std::iter::from_fn(|| reader.item().unwrap()).collect();
    let database = migrated().await;
    let running = PostgresStore::open(options(&database)).await.unwrap();
    let target = mover(&database, Purpose::MoveInto).await;
    target.begin_import(dump).await.unwrap();
    target.put(dump, 0, &items[..9]).await.unwrap();
    target.put(dump, 0, &items[..9]).await.unwrap();
    assert!(running.changes(FeedVersion(0), 10).await.is_err(), "a server that was there before stops");
    let refused = refusal(&database).await;
    assert!(refused.contains("was interrupted: run jeton import again with the same file"), "{refused}");
    let refused = target.put(dump, 11, &items[11..]).await.unwrap_err().to_string();
    assert!(refused.contains("has 9 of the 11 records that come first"), "{refused}");
    let Some(Item::Workspace(workspace)) = items.get(1).cloned() else { panic!("{:?}", items.get(1)) };
    let other = Item::Workspace(jeton::store::workspace::Workspace { suspended: true, ..workspace });
    let refused = target.put(dump, 9, &[other]).await.unwrap_err().to_string();
    assert!(refused.contains("the store has another record of workspaces"), "{refused}");
    let refused = target.end_import(dump, &filled(3)).await.unwrap_err().to_string();
    assert!(refused.contains("after the import, but the dump has"), "{refused}");

    assert!(!scene.import(&database).await.unwrap().already);
    assert!(everything(&mover(&database, Purpose::MoveAway).await).await == before);
    let store = PostgresStore::open(options(&database)).await.unwrap();
    assert!(store.delete_client(WORKSPACE, &client_id(2)).await.unwrap());
    target.put(dump, 0, &items).await.unwrap();
    assert!(store.client(WORKSPACE, &client_id(2)).await.unwrap().is_none(), "what went later stays gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_must_be_migrated_and_empty() {
    let scene = Scene::new();
    scene.dump(0).await;
    let refused = scene.import(&database().await).await.unwrap_err();
    assert!(refused.contains("run `jeton migrate`"), "{refused}");
    let used = migrated().await;
    PostgresStore::open(options(&used)).await.unwrap().insert_user(WORKSPACE, &user("bob")).await.unwrap();
    let refused = scene.import(&used).await.unwrap_err();
    assert!(refused.contains("has records already (1 users): import into an empty store"), "{refused}");
}

/// What a deleted workspace has left is swept where it was moved to as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_deleted_workspace_is_still_swept() {
    let scene = Scene::new();
    let gone = WorkspaceId([77; 16]);
    scene.sled("old", Purpose::Serve).insert_user(gone, &user("bob")).await.unwrap();
    scene.dump(0).await;
    let database = migrated().await;
    scene.import(&database).await.unwrap();
    let store = PostgresStore::open(options(&database)).await.unwrap();
    let bob = Subject::parse("bob").unwrap();
    assert!(store.user(gone, &bob).await.unwrap().is_some());
    while store.sweep(NOW, 100).await.unwrap().more {}
    assert!(store.user(gone, &bob).await.unwrap().is_none());
    assert!(store.user(WORKSPACE, &Subject::parse("alice").unwrap()).await.unwrap().is_some());
}
