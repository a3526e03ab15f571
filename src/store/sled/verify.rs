//! Checks records at open.

use crate::store::StoreError;
use crate::store::codec;

/// How many records are checked from each end of a tree: all of a small one, and of a large one the
/// oldest and the newest, within a fraction of a second.  Every later read checks its own.
const FROM_EACH_END: usize = 50_000;

/// Checks a tree's records.
///
/// # Errors
/// `Damaged` with the first one that is not what was written.
pub fn verify(name: &'static str, tree: &::sled::Tree) -> Result<(), StoreError> {
    let mut checked = 0;
    for entry in tree.iter().take(FROM_EACH_END) {
        check(name, entry)?;
        checked += 1;
    }
    if checked == FROM_EACH_END {
        for entry in tree.iter().rev().take(FROM_EACH_END) {
            check(name, entry)?;
        }
    }
    Ok(())
}

fn check(name: &'static str, entry: ::sled::Result<(::sled::IVec, ::sled::IVec)>) -> Result<(), StoreError> {
    let (key, bytes) = entry.map_err(|_| codec::damaged(name, &[]))?;
    codec::verify(name, &key, &bytes).map(drop)
}
