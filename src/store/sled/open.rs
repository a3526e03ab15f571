//! Opening: nothing is served before it is shown that nothing acknowledged is missing.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use crate::store::StoreError;
use crate::store::codec::{Record, Sequence};
use crate::store::grant::Grant;
use crate::store::session::Session;
use crate::store::sled::commit::Commit;
use crate::store::sled::directory::{Directory, refused};
use crate::store::sled::flusher::{Flusher, Meters};
use crate::store::sled::mark::{Mark, Marked};
use crate::store::sled::options::SledOptions;
use crate::store::sled::space::Space;
use crate::store::sled::table::Table;
use crate::store::sled::{SledStore, loss, meta, moving, verify};
use crate::types::time::{Clock, SystemClock};

/// How many trees take part in commits: the tables of [`SledStore`].
const TREES: usize = 16;

impl SledStore {
    /// Opens the store, or makes it.  Blocks for as long as the disk does, so it is called before
    /// anything is served; metrics are reported to the recorder that is installed by then.
    ///
    /// # Errors
    /// `Refused` with a sentence for the operator when the directory is in use or cannot be used,
    /// when the disk is full, when the store was written by a newer jeton, or when something that
    /// was acknowledged is missing, or when it was moved away; `Damaged` when a record is not what was written.
    pub fn open(options: SledOptions) -> Result<Self, StoreError> {
        moving::check_exists(&options)?;
        let directory = Arc::new(Directory::take(&options.dir)?);
        check_space(&directory, options.min_free_bytes)?;
        let (mark, marked) = Mark::open(&directory.mark()).map_err(|error| refused(&directory.mark(), &error))?;
        directory.wait_for_database().map_err(|error| refused(&directory.database(), &error))?;
        let db = open_sled(&directory, &options)?;
        let meta_tree = tree(&db, Sequence::TREE)?;
        let sequence = check_loss(&directory, &options, &db, &meta_tree, marked)?;
        make_durable(&directory, &db, &mark, sequence).map_err(|error| refused(directory.path(), &error))?;
        let database = directory.database();
        let file = File::open(&database).map_err(|error| refused(&database, &error))?;

        let commit = Arc::new(Commit::new(TREES, options.durable));
        let mut trees = Trees { db: &db, commit: &commit, number: 0 };
        let mut store = Self {
            workspaces: trees.table()?,
            names: trees.table()?,
            clients: trees.table()?,
            owned: trees.table()?,
            users: trees.table()?,
            signing_keys: trees.table()?,
            data_keys: trees.table()?,
            grants: trees.table()?,
            revoked_tokens: trees.table()?,
            single_uses: trees.table()?,
            sessions: trees.table()?,
            consents: trees.table()?,
            scopes: trees.table()?,
            policy_uses: trees.table()?,
            fences: trees.table()?,
            imports: trees.table()?,
            naming: Mutex::default(),
            cursor: Mutex::default(),
            commit: Arc::clone(&commit),
            thread: Mutex::default(),
            db: db.clone(),
            directory: Arc::clone(&directory),
        };
        store.check_purpose(options.purpose)?;
        let space = Space::new(directory, options.min_free_bytes);
        space.look(commit.health());
        let flusher = Flusher { commit, db, meta: meta_tree, file, mark, sequence, space, meters: Meters::default() };
        let thread = std::thread::Builder::new().name("store-flusher".to_owned()).spawn(move || flusher.run());
        let thread = thread.map_err(|error| StoreError::Refused(format!("no thread for the store: {error}")))?;
        store.thread = Mutex::new(Some(thread));
        Ok(store)
    }
}

/// Opens trees and numbers them.
struct Trees<'a> {
    db: &'a ::sled::Db,
    commit: &'a Arc<Commit>,
    number: usize,
}

impl Trees<'_> {
    fn table<R: Record>(&mut self) -> Result<Table<R>, StoreError> {
        let tree = tree(self.db, R::TREE)?;
        verify::verify(R::TREE, &tree)?;
        let number = self.number;
        self.number = number.saturating_add(1);
        Ok(Table::new(tree, number, Arc::clone(self.commit)))
    }
}

fn check_space(directory: &Directory, min_free_bytes: u64) -> Result<(), StoreError> {
    let snapshot_bytes = directory.tidy()?;
    let free_bytes = directory.free_bytes().map_err(|error| refused(directory.path(), &error))?;
    // sled writes a new snapshot beside the old one before it is open.
    let needed = (min_free_bytes / 2).saturating_add(snapshot_bytes.saturating_mul(2));
    if free_bytes < needed {
        let dir = directory.path().display();
        return Err(StoreError::Refused(format!(
            "{free_bytes} bytes are free where {dir} lies, and the store needs {needed} to be opened: make room"
        )));
    }
    Ok(())
}

fn open_sled(directory: &Directory, options: &SledOptions) -> Result<::sled::Db, StoreError> {
    let config = ::sled::Config::new()
        .path(directory.store())
        .cache_capacity(options.cache_bytes)
        // Never relied on; its thread is also the one that collects garbage.
        .flush_every_ms(Some(500));
    let unreadable = |why: &str| {
        let dir = directory.store();
        StoreError::Refused(format!("the store in {} cannot be opened: {why}; restore a backup", dir.display()))
    };
    // On some damage sled panics.
    match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error)) => Err(unreadable(&error.to_string())),
        Err(_) => Err(unreadable("its files are damaged")),
    }
}

fn tree(db: &::sled::Db, name: &str) -> Result<::sled::Tree, StoreError> {
    db.open_tree(name).map_err(|error| StoreError::Refused(format!("the store's {name} cannot be opened: {error}")))
}

/// Compares the newest commit that is there with the newest one that was acknowledged, and answers
/// the number to go on from.
fn check_loss(
    directory: &Directory,
    options: &SledOptions,
    db: &::sled::Db,
    meta_tree: &::sled::Tree,
    marked: Marked,
) -> Result<u64, StoreError> {
    let dir = directory.path().display().to_string();
    meta::check_schema(meta_tree, &dir)?;
    let sequence = meta::sequence(meta_tree)?;
    let missing = match marked {
        Marked::At(marked) if sequence >= marked => None,
        // A first start that did not come far enough to note anything.
        Marked::New if sequence == 0 => None,
        Marked::At(marked) => {
            Some(format!("the store in {dir} ends at commit {sequence}, but at least {marked} were acknowledged"))
        }
        Marked::New | Marked::Damaged => {
            Some(format!("the file mark in {dir} is missing or damaged, so nobody knows whether the store lost something"))
        }
    };
    let next = match (&missing, marked) {
        (None, _) => sequence,
        (Some(problem), _) if !options.accept_loss => {
            return Err(StoreError::Refused(format!(
                "{problem}: restore a backup, or accept the loss with jeton serve --accept-loss"
            )));
        }
        (Some(_), Marked::At(marked)) => sequence.max(marked).saturating_add(1),
        (Some(_), Marked::New | Marked::Damaged) => sequence.saturating_add(1),
    };
    if missing.is_some() {
        loss::accept(&tree(db, Grant::TREE)?, &tree(db, Session::TREE)?, SystemClock.now().seconds())?;
    }
    meta::write(meta_tree, next)?;
    Ok(next)
}

/// What was written at open, sled's new files and the mark, before anything is answered.
fn make_durable(directory: &Directory, db: &::sled::Db, mark: &Mark, sequence: u64) -> std::io::Result<()> {
    db.flush().map_err(std::io::Error::other)?;
    directory.sync()?;
    mark.write(sequence)?;
    mark.sync()
}
