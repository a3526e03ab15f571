//! Moving a deployment: every record arrives as it was, an interruption costs nothing, and of two stores with the
//! same codes one at most is served from.

use std::fs;
use std::path::{Path, PathBuf};

use jeton::config::{Config, Sources};
use jeton::keys::data_keys::DataKeys;
use jeton::keys::master_key::MasterKey;
use jeton::server::moving::{Moved, Progress, export, import};
use jeton::server::start::Ports;
use jeton::store::client::Client;
use jeton::store::codec::Frame;
use jeton::store::consent::Consent;
use jeton::store::dump::{DumpError, Header, Reader, Writer};
use jeton::store::grant::revoke::revoked;
use jeton::store::moving::{Counts, DumpId, Item, Kind, Moving, Purpose};
use jeton::store::policy_use::PolicyUse;
use jeton::store::scope::ScopeEntry;
use jeton::store::sled::{SledOptions, SledStore};
use jeton::store::token::{SingleUse, SingleUseKind};
use jeton::store::{Store, StoreError};
use jeton::types::entropy::SeededEntropy;
use jeton::types::ids::{SessionId, WorkspaceId};
use jeton::types::policy::Policy;
use jeton::types::time::{UnixMillis, UnixSeconds};
use tempfile::TempDir;

use crate::store::sample::{
    NOW, WORKSPACE, active, client, client_id, code_issued, consent, grant_id, keep_workspace, requested, rotating, session,
    signing_key, user, workspace,
};

/// Grants enough for several pages.
const GRANTS: u64 = 1200;

/// A place for stores and dumps, and the master key of all of them.
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

    fn config(&self, store: &str) -> Config {
        self.config_with(store, &self.master_key)
    }

    fn config_with(&self, store: &str, master_key: &MasterKey) -> Config {
        let environment = [
            ("JETON_DATA_DIR".into(), self.path(store).into()),
            ("JETON_MASTER_KEY".into(), master_key.encode().expose_secret().into()),
        ];
        let flags = vec!["store.min_free_bytes=0".to_owned()];
        Config::load(&Sources { environment: environment.into(), flags, ..Sources::default() }).unwrap()
    }

    async fn export(&self, store: &str, file: &str) -> Result<Moved, String> {
        let moved = export(&self.config(store), &Ports::system(), &self.path(file), &mut |_| {}).await;
        moved.map_err(|error| error.to_string())
    }

    async fn import(&self, file: &str, store: &str) -> Result<Moved, String> {
        let moved = import(&self.config(store), &Ports::system(), &self.path(file), &mut |_| {}).await;
        moved.map_err(|error| error.to_string())
    }

    fn open(&self, store: &str, purpose: Purpose) -> Result<SledStore, StoreError> {
        open(&self.path(store), purpose)
    }

    /// A deployment with a record of every kind, and the dump it was moved into.
    async fn dump(&self) -> Vec<u8> {
        fill(&self.open("old", Purpose::Serve).unwrap(), &self.master_key, 3).await;
        self.export("old", "dump").await.unwrap();
        fs::read(self.path("dump")).unwrap()
    }

    fn items(&self) -> Vec<Item> {
        let mut reader = Reader::open(fs::File::open(self.path("dump")).unwrap()).unwrap();
        std::iter::from_fn(|| reader.item().unwrap()).collect()
    }
}

fn open(dir: &Path, purpose: Purpose) -> Result<SledStore, StoreError> {
    SledStore::open(SledOptions { min_free_bytes: 0, purpose, ..SledOptions::new(dir) })
}

/// Records of every kind, in every state.
pub async fn fill(store: &dyn Store, master_key: &MasterKey, grants: u64) {
    let entropy = SeededEntropy::new(7);
    let data_keys = DataKeys::generate(1, &entropy).unwrap().seal(master_key, NOW, &entropy).unwrap();
    assert!(store.insert_data_keys(&data_keys).await.unwrap());
    let other = WorkspaceId([8; 16]);
    for (id, name) in [(WORKSPACE, "acme"), (other, "zebra")] {
        assert!(keep_workspace(store, &workspace(id, name)).await);
        store.insert_client(id, &client(1)).await.unwrap();
    }
    let next_key = jeton::store::key::SigningKey { serial: 3, ..signing_key("next") };
    assert!(store.insert_signing_key(WORKSPACE, &next_key).await.unwrap());
    store.insert_client(WORKSPACE, &Client { owner: None, ..client(2) }).await.unwrap();
    let scope = ScopeEntry { name: "read".to_owned(), description: "Read it".to_owned(), restricted: true };
    store.put_scope(WORKSPACE, &scope).await.unwrap();
    store.insert_user(WORKSPACE, &user("alice")).await.unwrap();
    let marked = jeton::store::user::User { disabled: true, not_before: UnixMillis(NOW.0 * 1000), ..user("älice") };
    store.insert_user(WORKSPACE, &marked).await.unwrap();
    store.insert_consent(WORKSPACE, &consent("alice", 1)).await.unwrap();
    let withdrawn = Consent { not_before: UnixMillis(NOW.0 * 1000), ..consent("alice", 2) };
    store.insert_consent(WORKSPACE, &withdrawn).await.unwrap();
    store.insert_session(WORKSPACE, SessionId([3; 16]), &session(NOW.plus(3600))).await.unwrap();
    for (policy, count) in [(Policy::PkceOptional, 5), (Policy::WildcardScope, 1)] {
        let used = PolicyUse { policy, count, last_used_at: NOW };
        store.add_policy_use(WORKSPACE, &client_id(1), &used).await.unwrap();
    }
    store.insert_grant(WORKSPACE, grant_id(1), &requested()).await.unwrap();
    store.insert_grant(WORKSPACE, grant_id(2), &code_issued()).await.unwrap();
    store.insert_grant(other, grant_id(3), &rotating()).await.unwrap();
    store.insert_grant(WORKSPACE, grant_id(4), &rotating()).await.unwrap();
    let rotating = store.grant(WORKSPACE, grant_id(4)).await.unwrap().unwrap();
    assert!(
        store.swap_grant(WORKSPACE, grant_id(4), &rotating.version, &revoked(&rotating.record, NOW, "stolen")).await.unwrap()
    );
    let many = (10..10 + grants).map(|number| async move { store.insert_grant(WORKSPACE, grant_id(number), &active()).await });
    for done in futures_util::future::join_all(many).await {
        assert!(done.unwrap());
    }
    store.revoke_token(WORKSPACE, "j1", NOW.plus(900)).await.unwrap();
    store.revoke_token(other, "j1", NOW.plus(900)).await.unwrap();
    for kind in [SingleUseKind::Assertion, SingleUseKind::DpopProof] {
        let once = SingleUse { kind, id: [9; 32], until: NOW.plus(60) };
        assert!(store.first_use(WORKSPACE, &once).await.unwrap());
    }
}

/// What [`fill`] kept.
pub fn filled(grants: u64) -> Counts {
    let mut counts = Counts::default();
    let kinds = [
        (Kind::DataKeys, 1),
        (Kind::Workspaces, 2),
        (Kind::SigningKeys, 3),
        (Kind::Scopes, 1),
        (Kind::Clients, 3),
        (Kind::Users, 2),
        (Kind::Consents, 2),
        (Kind::Sessions, 1),
        (Kind::PolicyUses, 2),
        (Kind::Grants, 4 + grants),
        (Kind::RevokedTokens, 2),
        (Kind::SingleUses, 2),
    ];
    for (kind, records) in kinds {
        counts.add(kind, records);
    }
    counts
}

/// Every record of a store, in one order whatever the store's is.
pub async fn everything(store: &dyn Moving) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for kind in Kind::ALL {
        let mut last: Option<Item> = None;
        loop {
            let page = store.page(kind, last.as_ref(), 7).await.unwrap();
            records.extend(page.iter().map(Frame::to_bytes));
            match page.into_iter().last() {
                Some(item) => last = Some(item),
                None => break,
            }
        }
    }
    records.sort();
    records
}

/// Point 5 of moving: counts and records are those of before.
#[tokio::test]
async fn everything_arrives_as_it_was() {
    let scene = Scene::new();
    fill(&scene.open("old", Purpose::Serve).unwrap(), &scene.master_key, GRANTS).await;
    let before = everything(&scene.open("old", Purpose::MoveAway).unwrap()).await;
    let exported = scene.export("old", "dump").await.unwrap();
    assert_eq!(exported.counts, filled(GRANTS));
    let imported = scene.import("dump", "new").await.unwrap();
    assert_eq!((imported.counts, imported.dump, imported.already), (exported.counts, exported.dump, false));
    let store = scene.open("new", Purpose::Serve).unwrap();
    assert_eq!(store.counts().await.unwrap(), exported.counts);
    assert_eq!(everything(&store).await, before);
    // The indexes are made again beside the records.
    assert!(!keep_workspace(&store, &workspace(WorkspaceId([9; 16]), "acme")).await, "the name is taken");
    let alice = jeton::types::ids::Subject::parse("alice").unwrap();
    assert_eq!(store.clients_of(WORKSPACE, &alice, None, 10).await.unwrap().len(), 1);
}

/// The way back is the same way.
#[tokio::test]
async fn a_deployment_moves_on_from_where_it_was_moved_to() {
    let scene = Scene::new();
    scene.dump().await;
    scene.import("dump", "second").await.unwrap();
    let before = everything(&scene.open("second", Purpose::MoveAway).unwrap()).await;
    let again = scene.export("second", "second.dump").await.unwrap();
    scene.import("second.dump", "third").await.unwrap();
    assert_eq!(everything(&scene.open("third", Purpose::Serve).unwrap()).await, before);
    let refused = scene.import("dump", "third").await.unwrap_err();
    assert!(refused.contains(&format!("has records already, from dump {}", again.dump)), "{refused}");
    let refused = scene.import("dump", "second").await.unwrap_err();
    assert!(refused.contains("was moved away and serves no more"), "{refused}");
}

#[tokio::test]
async fn a_store_that_was_moved_away_serves_no_more() {
    let scene = Scene::new();
    scene.dump().await;
    let refused = scene.open("old", Purpose::Serve).err().unwrap().to_string();
    let place = format!("the store in {} was moved away and serves no more: exported to ", scene.path("old").display());
    assert!(refused.starts_with(&place), "{refused}");
    assert!(refused.contains(scene.path("dump").to_str().unwrap()), "{refused}");
}

#[tokio::test]
async fn done_again_both_say_that_it_is_done() {
    let scene = Scene::new();
    let dump = scene.dump().await;
    let again = scene.export("old", "dump").await.unwrap();
    assert!(again.already);
    assert_eq!((again.counts, fs::read(scene.path("dump")).unwrap()), (filled(3), dump));
    assert!(!scene.import("dump", "new").await.unwrap().already);
    // A served store has changed since then, and keeps what it has.
    let store = scene.open("new", Purpose::Serve).unwrap();
    assert!(store.delete_client(WORKSPACE, &client_id(2)).await.unwrap());
    drop(store);
    assert!(scene.import("dump", "new").await.unwrap().already);
    let store = scene.open("new", Purpose::Serve).unwrap();
    assert!(store.client(WORKSPACE, &client_id(2)).await.unwrap().is_none(), "an import never overwrites a later state");
}

/// Wherever an export was interrupted, it goes on to the same file.
#[tokio::test]
async fn an_interrupted_export_goes_on() {
    let scene = Scene::new();
    let dump = scene.dump().await;
    let header_bytes = dump.len() / 3;
    for cut in (0..dump.len()).step_by(311).chain([1, 10, 11, 12, header_bytes, dump.len() - 1, dump.len()]) {
        fs::write(scene.path("again.part"), &dump[..cut]).unwrap();
        let moved = scene.export("old", "again").await.unwrap();
        assert_eq!(moved.counts, filled(3), "cut at {cut}");
        assert!(fs::read(scene.path("again")).unwrap() == dump, "cut at {cut}");
        assert!(!scene.path("again.part").exists());
        fs::remove_file(scene.path("again")).unwrap();
    }
    // A power cut may leave zeros where data was to be.
    let mut torn = dump[..dump.len() / 2].to_vec();
    torn.extend([0; 4096]);
    fs::write(scene.path("again.part"), torn).unwrap();
    scene.export("old", "again").await.unwrap();
    assert!(fs::read(scene.path("again")).unwrap() == dump);
}

#[tokio::test]
async fn an_export_leaves_other_files_alone() {
    let scene = Scene::new();
    scene.dump().await;
    let second = Scene::new();
    fill(&second.open("old", Purpose::Serve).unwrap(), &second.master_key, 0).await;
    for (name, content) in [("letter", b"dear sir".to_vec()), ("dump", fs::read(scene.path("dump")).unwrap())] {
        fs::write(second.path(name), &content).unwrap();
        let refused = second.export("old", name).await.unwrap_err();
        assert!(refused.contains("is there already and is not this store's dump"), "{refused}");
        let part = second.path(&format!("{name}-other.part"));
        fs::write(&part, &content).unwrap();
        let refused = second.export("old", &format!("{name}-other")).await.unwrap_err();
        assert!(
            refused.contains("is no dump of jeton's") || refused.contains("belongs to the export of another store"),
            "{refused}"
        );
        assert!(fs::read(part).unwrap() == content);
    }
    // Nothing was fenced for it.
    drop(second.open("old", Purpose::Serve).unwrap());
    let nowhere = second.export("old", "no/such/folder").await.unwrap_err();
    assert!(nowhere.contains("cannot be used"), "{nowhere}");
    drop(second.open("old", Purpose::Serve).unwrap());
}

#[tokio::test]
async fn what_is_no_store_is_not_exported() {
    let scene = Scene::new();
    let refused = scene.export("nowhere", "dump").await.unwrap_err();
    assert!(refused.starts_with("there is no store in "), "{refused}");
    assert!(!scene.path("nowhere").exists(), "none is made");
    drop(scene.open("empty", Purpose::Serve).unwrap());
    let refused = scene.export("empty", "dump").await.unwrap_err();
    assert!(refused.starts_with("there is nothing in the store"), "{refused}");
    drop(scene.open("empty", Purpose::Serve).unwrap());
}

/// Only its owner may read a dump: it holds digests and sealed keys.
#[tokio::test]
async fn a_dump_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let scene = Scene::new();
    scene.dump().await;
    assert_eq!(fs::metadata(scene.path("dump")).unwrap().permissions().mode() & 0o777, 0o600);
}

/// No byte of a dump can change, go, or come without being noticed.
#[tokio::test]
async fn a_damaged_dump_is_refused() {
    fn read(dump: &[u8]) -> Result<u64, DumpError> {
        let mut reader = Reader::open(dump)?;
        while reader.item()?.is_some() {}
        Ok(reader.sums().counts.total())
    }
    let scene = Scene::new();
    let dump = scene.dump().await;
    assert_eq!(read(&dump).unwrap(), filled(3).total());
    let mut damaged = dump.clone();
    for at in 0..dump.len() {
        damaged[at] ^= 1 << (at % 8);
        let refused = read(&damaged).unwrap_err();
        match refused {
            DumpError::NoDump => assert!(at < 10),
            DumpError::Newer(_) => assert_eq!(at, 10),
            // A length that grew reaches behind the end.
            DumpError::Truncated { at: frame } | DumpError::Damaged { at: frame, .. } => {
                let at = at as u64;
                assert!(frame <= at && at - frame < 5000, "damage at {at} is reported at {frame}");
            }
            DumpError::Unreadable { .. } => panic!("{refused}"),
        }
        damaged[at] = dump[at];
    }
    for end in 0..dump.len() {
        let refused = read(&dump[..end]).unwrap_err();
        assert!(matches!(refused, DumpError::Truncated { .. }), "cut at {end}: {refused}");
    }
    let longer = [dump.as_slice(), b"x"].concat();
    assert!(read(&longer).unwrap_err().to_string().contains("more behind its end"));
}

/// Whole records in another order, twice, or left out are no dump either.
#[tokio::test]
async fn a_rearranged_dump_is_refused() {
    let scene = Scene::new();
    let dump = scene.dump().await;
    let mut frames = Vec::new();
    let mut at = 11;
    while at < dump.len() {
        let length = u32::from_be_bytes(dump[at + 1..at + 5].try_into().unwrap()) as usize;
        frames.push(&dump[at..at + 9 + length]);
        at += 9 + length;
    }
    let refused = |frames: &[&[u8]]| {
        let bytes = [&dump[..11], &frames.concat()].concat();
        let mut reader = Reader::open(bytes.as_slice())?;
        while reader.item()?.is_some() {}
        Ok::<(), DumpError>(())
    };
    assert!(refused(&frames).is_ok());
    let mut swapped = frames.clone();
    swapped.swap(3, 4);
    let mut twice = frames.clone();
    twice.insert(5, frames[5]);
    let mut without = frames.clone();
    without.remove(6);
    let mut headless = frames.clone();
    headless.remove(0);
    for (what, frames) in [("swapped", swapped), ("twice", twice), ("left out", without), ("no header", headless)] {
        assert!(matches!(refused(&frames), Err(DumpError::Damaged { .. })), "{what}");
    }
}

/// A dump is checked to its end before anything is made of it.
#[tokio::test]
async fn nothing_is_made_of_a_damaged_dump() {
    let scene = Scene::new();
    let dump = scene.dump().await;
    let mut damaged = dump.clone();
    damaged[dump.len() - 200] ^= 1;
    fs::write(scene.path("damaged"), damaged).unwrap();
    let refused = scene.import("damaged", "new").await.unwrap_err();
    assert!(refused.starts_with("the dump is damaged at byte "), "{refused}");
    fs::write(scene.path("half"), &dump[..dump.len() / 2]).unwrap();
    let refused = scene.import("half", "new").await.unwrap_err();
    assert!(refused.starts_with("the dump stops at byte "), "{refused}");
    assert!(!scene.path("new").exists());
}

#[tokio::test]
async fn another_master_key_is_refused_before_anything_is_made() {
    let scene = Scene::new();
    scene.dump().await;
    let other = MasterKey::generate(&SeededEntropy::new(2)).unwrap();
    let config = scene.config_with("new", &other);
    let refused = import(&config, &Ports::system(), &scene.path("dump"), &mut |_| {}).await.unwrap_err().to_string();
    assert!(refused.starts_with("the dump's keys were sealed under another master key"), "{refused}");
    assert!(!scene.path("new").exists());
}

/// A target that holds the first part of an import, as a process that was killed leaves it.
async fn cut_import(scene: &Scene, items: usize) {
    let dump = Reader::open(fs::File::open(scene.path("dump")).unwrap()).unwrap().header().dump;
    let store = scene.open("new", Purpose::MoveInto).unwrap();
    store.begin_import(dump).await.unwrap();
    if items > 0 {
        store.put(dump, 0, &scene.items()[..items]).await.unwrap();
    }
}

#[tokio::test]
async fn an_interrupted_import_goes_on() {
    for items in [0, 1, 7, 28] {
        let scene = Scene::new();
        scene.dump().await;
        cut_import(&scene, items).await;
        let refused = scene.open("new", Purpose::Serve).err().unwrap().to_string();
        assert!(refused.contains("was interrupted: run jeton import again with the same file"), "{refused}");
        let refused = scene.open("new", Purpose::MoveAway).err().unwrap().to_string();
        assert!(refused.contains("was interrupted"), "{refused}");
        assert!(!scene.import("dump", "new").await.unwrap().already);
        let before = everything(&scene.open("old", Purpose::MoveAway).unwrap()).await;
        assert_eq!(everything(&scene.open("new", Purpose::Serve).unwrap()).await, before, "after {items}");
    }
}

#[tokio::test]
async fn an_unfinished_import_takes_no_other_dump() {
    let scene = Scene::new();
    scene.dump().await;
    cut_import(&scene, 5).await;
    let second = Scene::new();
    second.dump().await;
    fs::copy(second.path("dump"), scene.path("other")).unwrap();
    let config = scene.config_with("new", &second.master_key);
    let refused = import(&config, &Ports::system(), &scene.path("other"), &mut |_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("holds an unfinished import of dump"), "{refused}");
}

#[tokio::test]
async fn a_store_that_is_in_use_takes_no_dump() {
    let scene = Scene::new();
    scene.dump().await;
    let store = scene.open("new", Purpose::Serve).unwrap();
    store.insert_user(WORKSPACE, &user("bob")).await.unwrap();
    drop(store);
    let refused = scene.import("dump", "new").await.unwrap_err();
    assert!(refused.contains("has records already (1 users): import into an empty store"), "{refused}");
    let store = scene.open("new", Purpose::Serve).unwrap();
    assert_eq!(store.counts().await.unwrap().total(), 1);
}

/// STORE: an import never overwrites a later state, and ends only when it adds up.
#[tokio::test]
async fn nothing_is_replaced_and_nothing_is_left_out() {
    let scene = Scene::new();
    scene.dump().await;
    let items = scene.items();
    let dump = DumpId([4; 16]);
    let store = scene.open("new", Purpose::MoveInto).unwrap();
    store.begin_import(dump).await.unwrap();
    store.put(dump, 0, &items[..10]).await.unwrap();
    store.put(dump, 0, &items[..10]).await.unwrap();
    assert_eq!(store.imported().await.unwrap().unwrap().items, 10);
    let refused = store.put(dump, 11, &items[11..]).await.unwrap_err().to_string();
    assert!(refused.contains("has 10 of the 11 records that come first"), "{refused}");
    let refused = store.put(DumpId([5; 16]), 10, &items[10..]).await.unwrap_err().to_string();
    assert!(refused.contains("holds an unfinished import of dump 0404"), "{refused}");
    let refused = store.end_import(dump, &filled(3)).await.unwrap_err().to_string();
    assert!(refused.contains("after the import, but the dump has"), "{refused}");
    let Some(Item::User(workspace, user)) = items.iter().find(|item| item.kind() == Kind::Users).cloned() else { panic!() };
    let at = items.iter().position(|item| item.kind() == Kind::Users).unwrap();
    store.put(dump, 10, &items[10..=at]).await.unwrap();
    let other = Item::User(workspace, jeton::store::user::User { disabled: !user.disabled, ..user });
    let refused = store.put(dump, at as u64 + 1, &[other]).await.unwrap_err().to_string();
    assert!(refused.contains("the store has another record of users"), "{refused}");
    store.put(dump, at as u64 + 1, &items[at + 1..]).await.unwrap();
    store.end_import(dump, &filled(3)).await.unwrap();
    store.end_import(dump, &filled(3)).await.unwrap();
    // Served from, records go and stay gone.
    assert!(store.delete_client(WORKSPACE, &client_id(2)).await.unwrap());
    store.put(dump, 0, &items).await.unwrap();
    assert!(store.client(WORKSPACE, &client_id(2)).await.unwrap().is_none());
}

/// Who waits sees the whole way.
#[tokio::test]
async fn a_move_says_how_far_it_is() {
    let scene = Scene::new();
    fill(&scene.open("old", Purpose::Serve).unwrap(), &scene.master_key, GRANTS).await;
    let total = filled(GRANTS).total();
    let mut told = Vec::new();
    export(&scene.config("old"), &Ports::system(), &scene.path("dump"), &mut |progress| told.push(progress)).await.unwrap();
    assert_eq!(told.last(), Some(&Progress::Moved(total, total)));
    let bytes = fs::metadata(scene.path("dump")).unwrap().len();
    told.clear();
    import(&scene.config("new"), &Ports::system(), &scene.path("dump"), &mut |progress| told.push(progress)).await.unwrap();
    assert!(told.contains(&Progress::Checked(bytes, bytes)), "{told:?}");
    assert!(told.contains(&Progress::Moved(1000, total)), "{told:?}");
    assert_eq!(told.last(), Some(&Progress::Moved(total, total)));
}

/// The format: a dump of today is read by every later jeton, so its bytes must not change unnoticed.
#[test]
fn the_format_is_what_it_was() {
    let header = Header { dump: DumpId([1; 16]), source: "sled".to_owned(), fenced_at: UnixSeconds(1_800_000_000) };
    let mut writer = Writer::begin(Vec::new(), &header).unwrap();
    writer.item(&Item::RevokedToken(WORKSPACE, "j1".to_owned(), NOW)).unwrap();
    let (bytes, length) = writer.end().unwrap();
    assert_eq!(length, bytes.len() as u64);
    insta::assert_snapshot!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), @"6a65746f6e2064756d7001010000001eb8d2b22b0a10010101010101010101010101010101011204736c65641880a4a7da06020000001c9897605e0a12070707070707070707070707070707076a3162060880a4a7da0603000000bf034cb93c0a0b0a09646174615f6b6579730a0c0a0a776f726b7370616365730a0e0a0c7369676e696e675f6b6579730a080a0673636f7065730a090a07636c69656e74730a070a0575736572730a0a0a08636f6e73656e74730a0a0a0873657373696f6e730a0d0a0b706f6c6963795f757365730a080a066772616e74730a120a0e7265766f6b65645f746f6b656e7310010a0d0a0b73696e676c655f7573657312208fa004bde764325d8ddbf8eafb7af6dff010166c8cbb4388be03ec4983e643f5");
}
