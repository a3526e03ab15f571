//! The master key and the admin token: supplied, found in the data directory, or made there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::keys::master_key::MasterKey;
use crate::types::entropy::Entropy;
use crate::types::ids::checksummed;
use crate::types::secret::Secret;

/// The master key's file in the data directory.
const MASTER_KEY_FILE: &str = "master-key";
/// The admin token's file in the data directory.
const ADMIN_TOKEN_FILE: &str = "admin-token";

/// The master key: the supplied one, else that of the data directory, made when the store is new.
///
/// # Errors
/// When it cannot be read or made, or is missing beside a store that was sealed under one.
pub fn master_key(supplied: Option<&Secret>, dir: &Path, new_store: bool, entropy: &dyn Entropy) -> Result<MasterKey, String> {
    let file = dir.join(MASTER_KEY_FILE);
    let (text, place) = match (supplied, read(&file)?) {
        (Some(supplied), _) => (supplied.clone(), "the supplied master key".to_owned()),
        (None, Some(kept)) => (kept, file.display().to_string()),
        (None, None) if new_store => {
            let key = MasterKey::generate(entropy).map_err(|error| error.to_string())?;
            return create(&file, &key.encode()).map(|()| key);
        }
        (None, None) => {
            return Err(format!(
                "{} is missing, and the store was sealed under it: put it back, or name it with JETON_MASTER_KEY_FILE",
                file.display()
            ));
        }
    };
    MasterKey::parse(&text).map_err(|error| format!("{place} is none: {error}"))
}

/// The admin token, and the file that holds it unless it was supplied.
///
/// # Errors
/// When it cannot be read or made.
pub fn admin_token(supplied: Option<&Secret>, dir: &Path, entropy: &dyn Entropy) -> Result<(Secret, Option<PathBuf>), String> {
    if let Some(supplied) = supplied {
        return Ok((supplied.clone(), None));
    }
    let file = dir.join(ADMIN_TOKEN_FILE);
    if let Some(kept) = read(&file)? {
        return Ok((kept, Some(file)));
    }
    let random = entropy.array::<32>().map_err(|error| error.to_string())?;
    let token = Secret::new(checksummed("jadm_", &random));
    create(&file, &token)?;
    Ok((token, Some(file)))
}

/// Writes a small file in one step, so that a reader never sees half of it.
///
/// # Errors
/// Those of the file system.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let next = file.with_extension("next");
    let mut options = OpenOptions::new();
    let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    std::fs::rename(&next, file)
}

fn read(file: &Path) -> Result<Option<Secret>, String> {
    let failed = |cause: io::Error| format!("{} cannot be read: {cause}", file.display());
    let text = match std::fs::read_to_string(file) {
        Ok(text) => Secret::new(text),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(cause)),
    };
    let mode = std::fs::metadata(file).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        warn!(file = %file.display(), "a secret's file can be read by others: chmod 600 it");
    }
    match text.expose_secret().trim() {
        "" => Err(format!("{} is empty: put its content back from a backup", file.display())),
        trimmed => Ok(Some(Secret::new(trimmed.to_owned()))),
    }
}

/// Makes a secret's file, durable before anything is sealed under it.
fn create(file: &Path, secret: &Secret) -> Result<(), String> {
    let write = || -> io::Result<()> {
        replace(file, &format!("{}\n", secret.expose_secret()))?;
        match file.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|cause| format!("{} cannot be written: {cause}", file.display()))
}
