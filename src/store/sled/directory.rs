//! The data directory: one process at a time, no leftovers of sled's, space to work in.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::StoreError;

/// How often sled's lock is looked at, and how long between two looks: for two seconds.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// A data directory that nobody else uses while this value lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Unlocked when it is closed, by a kill too.
    lock: File,
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing is not enough while a child of this process, which has not begun its own program yet, has it open too.
        // When this fails, the end of that child does it.
        let _ = self.lock.unlock();
    }
}

impl Directory {
    /// Makes the directory when it is missing, and takes it.
    ///
    /// # Errors
    /// `Refused` when another process has it, or it cannot be used.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let new = !path.exists();
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| refused(path, &error))?;
        if let (true, Some(parent)) = (new, path.parent()) {
            sync_directory(parent).map_err(|error| refused(parent, &error))?;
        }
        let lock_path = path.join("LOCK");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let lock = lock.map_err(|error| refused(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => {
                let dir = path.display();
                Err(StoreError::Refused(format!(
                    "another jeton process uses the data directory {dir}: stop it, or name another one"
                )))
            }
            Err(TryLockError::Error(error)) => Err(refused(&lock_path, &error)),
        }
    }

    /// Waits until nobody has sled's own lock.  Who holds the directory is the only one who may use it, so whoever has
    /// that lock still is about to end: a process that was killed, or a child that has not begun its own program.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn wait_for_database(&self) -> io::Result<()> {
        let file = match File::open(self.database()) {
            Ok(file) => file,
            // A new store.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return file.unlock(),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        // sled says then who has it.
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where sled's files are.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// The file that holds all of sled's records.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        database(&self.path)
    }

    /// Where the high-water mark is.
    #[must_use]
    pub fn mark(&self) -> PathBuf {
        self.path.join("mark")
    }

    /// Removes half-written snapshots, which sled would take for whole ones, and answers how many
    /// bytes the whole ones have.
    ///
    /// # Errors
    /// `Refused` when there are blob files: sled does not write those durably, so jeton never makes any.
    pub fn tidy(&self) -> Result<u64, StoreError> {
        let store = self.store();
        let refuse = |error: io::Error| refused(&store, &error);
        if !store.exists() {
            return Ok(0);
        }
        let mut snapshot_bytes = 0_u64;
        for entry in store.read_dir().map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with("snap.")) else {
                continue;
            };
            if name.ends_with(".generating") {
                std::fs::remove_file(entry.path()).map_err(refuse)?;
                tracing::warn!(file = name, "removed a snapshot that was only half written");
            } else {
                snapshot_bytes = snapshot_bytes.saturating_add(entry.metadata().map_err(refuse)?.len());
            }
        }
        let blobs = store.join("blobs");
        if blobs.exists() && blobs.read_dir().map_err(refuse)?.next().is_some() {
            let dir = blobs.display();
            return Err(StoreError::Refused(format!(
                "{dir} is not empty, so this store was not written by jeton: restore a backup"
            )));
        }
        Ok(snapshot_bytes)
    }

    /// How many bytes are free where it lies.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(&self.path)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Makes sled's new files themselves durable, which sled does not do.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync(&self) -> io::Result<()> {
        File::open(self.database())?.sync_all()?;
        File::open(self.store().join("conf"))?.sync_all()?;
        sync_directory(&self.store())?;
        sync_directory(&self.path)
    }
}

/// The file that holds all of sled's records in a data directory.
#[must_use]
pub fn database(path: &Path) -> PathBuf {
    path.join("store").join("db")
}

/// What a failure of the file system at `path` says to an operator.
pub fn refused(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Refused(format!("the store cannot use {}: {error}", path.display()))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // The parent of a relative name of one part is the empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}
