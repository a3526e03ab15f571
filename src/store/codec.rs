//! Records to bytes and back: a version byte, a checksum, a protobuf message.

use prost::Message;

use crate::store::StoreError;

mod client;
mod consent;
mod dump;
mod field;
mod grant;
mod key;
mod meta;
mod policy;
mod scope;
mod session;
mod token;
mod user;
mod workspace;

pub use client::OwnedClient;
pub use dump::Frame;
pub use meta::{Schema, Sequence};
pub use token::{RevokedToken, UsedUp};
pub use workspace::NameOwner;

/// The most bytes of an encoded record.  sled puts larger values into files of their own, and those
/// are lost by a power cut.
pub const MAX_BYTES: usize = 4096;

/// The one version of the envelope.
const VERSION: u8 = 1;

/// What is kept under a key.
pub trait Record: Sized + Send + Sync + 'static {
    /// The tree that it lies in.
    const TREE: &'static str;
    /// How it is written.
    type Message: Message + Default;
    /// The message of this record.
    fn to_message(&self) -> Self::Message;
    /// The record of a message; `None` when no record was ever written like that.
    fn from_message(message: Self::Message) -> Option<Self>;
}

/// Writes a record that will lie under `key`.
///
/// # Errors
/// `TooLarge` when it takes more than [`MAX_BYTES`].
pub fn encode<R: Record>(key: &[u8], record: &R) -> Result<Vec<u8>, StoreError> {
    let payload = record.to_message().encode_to_vec();
    let checksum = checksum(R::TREE, key, &payload);
    let mut bytes = Vec::with_capacity(payload.len().saturating_add(5));
    bytes.push(VERSION);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes.extend_from_slice(&payload);
    if bytes.len() > MAX_BYTES {
        return Err(StoreError::TooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// Reads the record that lies under `key`.
///
/// # Errors
/// `Refused` when a newer version wrote it, `Damaged` when nobody did.
pub fn decode<R: Record>(key: &[u8], bytes: &[u8]) -> Result<R, StoreError> {
    let payload = verify(R::TREE, key, bytes)?;
    let message = R::Message::decode(payload).map_err(|_| damaged(R::TREE, key))?;
    R::from_message(message).ok_or_else(|| damaged(R::TREE, key))
}

/// Checks that the bytes were written as they are, for this tree and this key; answers the message
/// in them.
///
/// # Errors
/// As [`decode`].
pub fn verify<'a>(tree: &'static str, key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], StoreError> {
    let (version, rest) = bytes.split_first().ok_or_else(|| damaged(tree, key))?;
    if *version != VERSION {
        return Err(StoreError::Refused(format!(
            "a record of {tree} (key {}) is of version {version}, newer than this jeton knows: use the newer jeton",
            key_hash(key)
        )));
    }
    let (stored, payload) = rest.split_first_chunk::<4>().ok_or_else(|| damaged(tree, key))?;
    if u32::from_be_bytes(*stored) != checksum(tree, key, payload) {
        return Err(damaged(tree, key));
    }
    Ok(payload)
}

/// The refusal of a record that is not what was written.
#[must_use]
pub fn damaged(tree: &'static str, key: &[u8]) -> StoreError {
    StoreError::Damaged { tree, key: key_hash(key) }
}

/// Covers the place as well, so that a record that moved to another key is no record.
fn checksum(tree: &str, key: &[u8], payload: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(tree.as_bytes());
    checksum.update(key);
    checksum.update(payload);
    checksum.finalize()
}

/// Names a key in messages without telling what it is.
fn key_hash(key: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;

    Sha256::digest(key).iter().take(4).fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
