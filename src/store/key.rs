//! Keys as they are kept: sealed, never in clear.

use crate::types::time::UnixSeconds;

/// A signing key.  When it retires is said by its successor's `active_from`, so that a rotation is
/// one record.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The data keys that sealed the seed.
    pub data_key: u8,
    /// The 32-byte seed, sealed.
    pub sealed_seed: Vec<u8>,
    /// The public half.
    pub public_key: [u8; 32],
    /// Since when it is published.
    pub announced_at: UnixSeconds,
    /// From when on it signs.
    pub active_from: UnixSeconds,
    /// Counts the workspace's keys: of two that are active from the same second, the later one signs.
    pub serial: u64,
}

/// The keys that digest, authenticate and seal, sealed under the master key.
#[derive(Clone, Debug)]
pub struct SealedDataKeys {
    /// Stands in every digest and token that they made.
    pub id: u8,
    /// When they were made.
    pub created_at: UnixSeconds,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
}
