//! What the embedded store adds to the contract: its files, and what it says at open.

use std::fs;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jeton::store::codec::{Schema, decode, encode};
use jeton::store::grant::revoke::revoked;
use jeton::store::grant::{Grant, State};
use jeton::store::sled::{SledOptions, SledStore};
use jeton::store::{Health, Store, StoreError};
use tempfile::TempDir;

use crate::store::contract::Fresh;
use crate::store::contract::{subjects, token_revoked};
use crate::store::sample::{
    NOW, WORKSPACE, active, client, client_id, code_issued, grant_id, keep_workspace, requested, rotating, user, workspace,
};

async fn fresh() -> Fresh {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    Fresh { store: Arc::new(store), _kept: Box::new(dir) }
}

contract!(fresh);

/// Without an upper limit of free space that the machine of a test might not have.
fn options(dir: &Path) -> SledOptions {
    SledOptions { min_free_bytes: 0, ..SledOptions::new(dir) }
}

fn open(dir: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(options(dir))
}

fn refusal(opened: Result<SledStore, StoreError>) -> String {
    match opened {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

/// The store's own records, changed behind its back.
fn tamper(dir: &Path, tree: &str, change: impl FnOnce(&::sled::Tree)) {
    // A child of another test that has not begun its program yet still has what was just closed.
    let file = fs::File::open(dir.join("store/db")).unwrap();
    file.lock().unwrap();
    file.unlock().unwrap();
    let db = ::sled::open(dir.join("store")).unwrap();
    change(&db.open_tree(tree).unwrap());
    db.flush().unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_second_open_is_refused_and_names_the_directory() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path()).unwrap();
    assert_eq!(
        refusal(open(dir.path())),
        format!("another jeton process uses the data directory {}: stop it, or name another one", dir.path().display())
    );
    drop(first);
    open(dir.path()).unwrap();
}

/// A process that was killed lets go of its files one by one.
#[test]
fn an_open_waits_for_who_is_about_to_let_go_of_the_database() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    let database = fs::File::open(dir.path().join("store/db")).unwrap();
    database.lock().unwrap();
    let half = dir.path().join("store/snap.0000000000000FFF.generating");
    fs::write(&half, b"half").unwrap();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| open(dir.path()).map(drop));
        // It is removed by who has the directory; the database is what that one waits for next.
        while half.exists() {
            std::thread::yield_now();
        }
        database.unlock().unwrap();
        opening.join().unwrap().unwrap();
    });
}

#[test]
fn the_data_directory_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let dir = TempDir::new().unwrap();
    let path = dir.path().join("new");
    drop(open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(path.join("mark")).unwrap().permissions().mode() & 0o777, 0o600);
}

/// STORE section 2: sled takes a snapshot that was half written at a kill for a whole one.
#[test]
fn a_half_written_snapshot_is_removed_at_open() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    let half = dir.path().join("store/snap.0000000000000FFF.generating");
    fs::write(&half, b"half").unwrap();
    drop(open(dir.path()).unwrap());
    assert!(!half.exists());
}

#[test]
fn blob_files_are_refused() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("store/blobs/7"), b"blob").unwrap();
    assert!(refusal(open(dir.path())).contains("blobs is not empty"));
}

/// B1: an answer means that the change is on stable storage.
#[tokio::test]
async fn a_reopened_store_has_everything_that_was_acknowledged() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(dir.path()).unwrap();
        keep_workspace(&store, &workspace(WORKSPACE, "acme")).await;
        store.insert_client(WORKSPACE, &client(1)).await.unwrap();
        store.insert_user(WORKSPACE, &user("alice")).await.unwrap();
        store.revoke_token(WORKSPACE, "j1", NOW).await.unwrap();
        for number in 0..300 {
            store.insert_grant(WORKSPACE, grant_id(number), &rotating()).await.unwrap();
        }
    }
    let store = open(dir.path()).unwrap();
    assert_eq!(store.workspaces().await.unwrap(), [workspace(WORKSPACE, "acme")]);
    assert!(store.client(WORKSPACE, &client_id(1)).await.unwrap().is_some());
    assert_eq!(subjects(&store.users(WORKSPACE, None, 10).await.unwrap()), ["alice"]);
    assert!(token_revoked(&store, WORKSPACE, "j1").await);
    for number in 0..300 {
        assert!(store.grant(WORKSPACE, grant_id(number)).await.unwrap().is_some(), "grant {number}");
    }
}

/// The process that the next test kills.  It does nothing unless it is told where.
#[tokio::test]
async fn victim_of_the_kill() {
    let Ok(dir) = std::env::var("JETON_TEST_VICTIM") else {
        return;
    };
    let store = open(Path::new(&dir)).unwrap();
    for number in 0..u64::MAX {
        store.insert_grant(WORKSPACE, grant_id(number), &active()).await.unwrap();
        println!("\nacknowledged {number}");
    }
}

/// B1, with a kill -9 in the middle of the work.
#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let dir = TempDir::new().unwrap();
    let mut acknowledged = 0;
    for _ in 0..3 {
        let scratch = dir.path().join(format!("round-{acknowledged}"));
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::sled::victim_of_the_kill", "--nocapture"])
            .env("JETON_TEST_VICTIM", &scratch)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        let last = numbers.take(200).last().unwrap();
        victim.kill().unwrap();
        victim.wait().unwrap();

        let store = open(&scratch).unwrap();
        for number in 0..=last {
            assert!(store.grant(WORKSPACE, grant_id(number)).await.unwrap().is_some(), "grant {number} of {last}");
        }
        acknowledged += last;
    }
}

/// A store that was set back: its mark is newer than its records.
async fn set_back(dir: &Path) {
    let older = dir.join("older");
    {
        let store = open(dir).unwrap();
        keep_workspace(&store, &workspace(WORKSPACE, "acme")).await;
        store.insert_grant(WORKSPACE, grant_id(1), &requested()).await.unwrap();
        store.insert_grant(WORKSPACE, grant_id(2), &code_issued()).await.unwrap();
        store.insert_grant(WORKSPACE, grant_id(3), &rotating()).await.unwrap();
        store.insert_grant(WORKSPACE, grant_id(4), &active()).await.unwrap();
        store.close().await.unwrap();
    }
    copy(&dir.join("store"), &older);
    {
        let store = open(dir).unwrap();
        let code = store.grant(WORKSPACE, grant_id(2)).await.unwrap().unwrap();
        let used = revoked(&code.record, NOW, "used");
        assert!(store.swap_grant(WORKSPACE, grant_id(2), &code.version, &used).await.unwrap());
        store.close().await.unwrap();
    }
    fs::remove_dir_all(dir.join("store")).unwrap();
    fs::rename(older, dir.join("store")).unwrap();
}

/// B1: a store that ends before what it acknowledged would let used codes be used again.
#[tokio::test]
async fn a_store_that_ends_before_its_mark_is_refused() {
    let dir = TempDir::new().unwrap();
    set_back(dir.path()).await;
    let message = refusal(open(dir.path()));
    let place = format!("the store in {} ends at commit ", dir.path().display());
    let (end, rest) = message.strip_prefix(&place).and_then(|rest| rest.split_once(',')).unwrap();
    // How many batches the first changes shared is a matter of timing; the one that is missing was one.
    let acknowledged = end.parse::<u64>().unwrap() + 1;
    assert_eq!(
        rest,
        format!(
            " but at least {acknowledged} were acknowledged: restore a backup, or accept the loss with jeton serve --accept-loss"
        )
    );
}

#[tokio::test]
async fn an_accepted_loss_drops_codes_and_revokes_what_rotates() {
    let dir = TempDir::new().unwrap();
    set_back(dir.path()).await;
    {
        let store = SledStore::open(SledOptions { accept_loss: true, ..options(dir.path()) }).unwrap();
        assert!(store.grant(WORKSPACE, grant_id(1)).await.unwrap().is_none());
        assert!(store.grant(WORKSPACE, grant_id(2)).await.unwrap().is_none());
        let rotated = store.grant(WORKSPACE, grant_id(3)).await.unwrap().unwrap().record;
        assert!(matches!(rotated.state, State::Revoked(_)));
        let kept = store.grant(WORKSPACE, grant_id(4)).await.unwrap().unwrap().record;
        assert!(matches!(kept.state, State::Active(_)));
        assert_eq!(store.workspaces().await.unwrap().len(), 1);
    }
    // Accepted once: from then on the store is whole again.
    open(dir.path()).unwrap();
}

#[test]
fn a_missing_store_under_a_mark_is_refused() {
    let dir = TempDir::new().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = open(dir.path()).unwrap();
        store.insert_user(WORKSPACE, &user("alice")).await.unwrap();
    });
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    assert!(refusal(open(dir.path())).contains("ends at commit 0, but at least 1 were acknowledged"));
}

#[test]
fn a_damaged_mark_is_refused() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("mark"), [0xFF; 8192]).unwrap();
    assert!(refusal(open(dir.path())).contains("the file mark"));
    drop(SledStore::open(SledOptions { accept_loss: true, ..options(dir.path()) }).unwrap());
    open(dir.path()).unwrap();
}

/// Without it nobody knows where the store should end.
#[tokio::test]
async fn a_missing_mark_beside_a_store_that_was_used_is_refused() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(dir.path()).unwrap();
        store.insert_user(WORKSPACE, &user("alice")).await.unwrap();
    }
    fs::remove_file(dir.path().join("mark")).unwrap();
    assert!(refusal(open(dir.path())).contains("the file mark"));
    // Being refused makes nothing look whole.
    assert!(refusal(open(dir.path())).contains("the file mark"));
    drop(SledStore::open(SledOptions { accept_loss: true, ..options(dir.path()) }).unwrap());
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_damaged_record_is_refused_at_open() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(dir.path()).unwrap();
        store.insert_grant(WORKSPACE, grant_id(1), &active()).await.unwrap();
    }
    tamper(dir.path(), "grants", |grants| {
        let (key, bytes) = grants.first().unwrap().unwrap();
        let mut bytes = bytes.to_vec();
        bytes[20] ^= 1;
        grants.insert(key, bytes).unwrap();
    });
    let message = refusal(open(dir.path()));
    assert!(message.starts_with("a record of grants is damaged (key "), "{message}");
}

#[test]
fn a_store_of_a_newer_schema_is_refused() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    tamper(dir.path(), "meta", |meta| {
        let found: Schema = decode(b"schema", &meta.get("schema").unwrap().unwrap()).unwrap();
        assert_eq!(found, Schema(1));
        meta.insert("schema", encode(b"schema", &Schema(2)).unwrap()).unwrap();
    });
    assert_eq!(
        refusal(open(dir.path())),
        format!("the store in {} has schema 2, and this jeton knows up to 1: use the newer jeton again", dir.path().display())
    );
}

/// A crash between a workspace's name and its record leaves a name that is nobody's.
#[tokio::test]
async fn a_name_without_its_workspace_is_free() {
    let dir = TempDir::new().unwrap();
    {
        let store = open(dir.path()).unwrap();
        keep_workspace(&store, &workspace(WORKSPACE, "acme")).await;
    }
    tamper(dir.path(), "workspaces", |workspaces| {
        workspaces.clear().unwrap();
    });
    let store = open(dir.path()).unwrap();
    assert!(keep_workspace(&store, &workspace(WORKSPACE, "acme")).await);
}

#[tokio::test]
async fn a_record_over_4_kib_is_refused_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    let mut large = client(1);
    large.name = "n".repeat(5000);
    let refused = store.insert_client(WORKSPACE, &large).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { limit: 4096, .. })));
    assert!(store.client(WORKSPACE, &large.id).await.unwrap().is_none());
}

/// The store finishes what it began: who goes away undoes nothing and leaves nobody waiting.
#[tokio::test]
async fn a_cancelled_change_is_finished_all_the_same() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    for number in 0..100 {
        let id = grant_id(number);
        let grant = active();
        {
            let mut change = pin!(store.insert_grant(WORKSPACE, id, &grant));
            // Once is enough for it to happen; then the caller goes away.
            let _ = change.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        // This one's flush comes with or after that of the cancelled one.
        store.insert_user(WORKSPACE, &user(&format!("user-{number}"))).await.unwrap();
        let mut read = pin!(store.grant(WORKSPACE, id));
        match read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => assert!(found.unwrap().is_some()),
            Poll::Pending => panic!("the key is still pending"),
        }
    }
}

/// Too little space for new things still leaves room to end what exists.
#[tokio::test]
async fn a_nearly_full_disk_takes_revocations_and_nothing_new() {
    let dir = TempDir::new().unwrap();
    let (id, free_bytes) = {
        let store = open(dir.path()).unwrap();
        store.insert_grant(WORKSPACE, grant_id(1), &rotating()).await.unwrap();
        (grant_id(1), store.size().await.unwrap().free_bytes)
    };
    let free_bytes = free_bytes.unwrap();
    let nearly_full = SledOptions { min_free_bytes: free_bytes / 2 * 3, ..options(dir.path()) };
    let store = SledStore::open(nearly_full).unwrap();
    assert_eq!(*store.health().borrow(), Health::NearlyFull);
    assert!(matches!(store.insert_grant(WORKSPACE, grant_id(2), &active()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.insert_client(WORKSPACE, &client(1)).await, Err(StoreError::Unavailable(_))));
    let loaded = store.grant(WORKSPACE, id).await.unwrap().unwrap();
    let ended: Grant = revoked(&loaded.record, NOW, "signed out");
    assert!(store.swap_grant(WORKSPACE, id, &loaded.version, &ended).await.unwrap());
    store.revoke_token(WORKSPACE, "j1", NOW.plus(60)).await.unwrap();
    drop(store);

    let full = SledOptions { min_free_bytes: free_bytes.saturating_mul(4), ..options(dir.path()) };
    assert!(refusal(SledStore::open(full)).contains("make room"));
}
