//! What the store notes about itself, and what it says at open.

use crate::store::StoreError;
use crate::store::codec::{self, Record, Schema, Sequence};

/// Where the number of the newest commit is.
pub const SEQUENCE_KEY: &[u8] = b"seq";
/// Where the schema's number is.
pub const SCHEMA_KEY: &[u8] = b"schema";
/// Where it stands that the store was moved away.
pub const FENCE_KEY: &[u8] = b"fence";
/// Where it stands which dump the store was filled from.
pub const IMPORT_KEY: &[u8] = b"import";
/// The schema that this program reads and writes.
pub const SCHEMA: Schema = Schema(1);

/// Refuses a store that a newer program wrote.
pub fn check_schema(meta: &::sled::Tree, dir: &str) -> Result<(), StoreError> {
    match read::<Schema>(meta, SCHEMA_KEY)? {
        Some(found) if found > SCHEMA => Err(StoreError::Refused(format!(
            "the store in {dir} has schema {}, and this jeton knows up to {}: use the newer jeton again",
            found.0, SCHEMA.0
        ))),
        Some(_) | None => Ok(()),
    }
}

/// The newest commit that is there.
pub fn sequence(meta: &::sled::Tree) -> Result<u64, StoreError> {
    Ok(read::<Sequence>(meta, SEQUENCE_KEY)?.map_or(0, |sequence| sequence.0))
}

/// Writes what a store begins with, or goes on with after a loss.
pub fn write(meta: &::sled::Tree, sequence: u64) -> Result<(), StoreError> {
    let schema = codec::encode(SCHEMA_KEY, &SCHEMA)?;
    let sequence = codec::encode(SEQUENCE_KEY, &Sequence(sequence))?;
    let written = meta.insert(SCHEMA_KEY, schema).and_then(|_| meta.insert(SEQUENCE_KEY, sequence));
    written.map(drop).map_err(|error| StoreError::Refused(format!("the store cannot be written: {error}")))
}

fn read<R: Record>(meta: &::sled::Tree, key: &[u8]) -> Result<Option<R>, StoreError> {
    let bytes = meta.get(key).map_err(|_| codec::damaged(R::TREE, key))?;
    bytes.map(|bytes| codec::decode(key, &bytes)).transpose()
}
