//! How a store is opened.

use std::path::PathBuf;

use crate::store::moving::Purpose;

/// What an embedded store needs to know.
#[derive(Clone, Debug)]
pub struct SledOptions {
    /// Where it lies; made when it is missing.
    pub dir: PathBuf,
    /// The most bytes of pages that are kept in memory.
    pub cache_bytes: u64,
    /// Below this many free bytes the store takes nothing new; below half of it, it is not opened.
    pub min_free_bytes: u64,
    /// Open a store that has lost what it had acknowledged: unfinished grants are dropped and those
    /// with refresh tokens revoked.
    pub accept_loss: bool,
    /// When a change is answered.
    pub durable: Durability,
    /// What it is opened for.
    pub purpose: Purpose,
}

/// When a change is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on stable storage.
    Fdatasync,
    /// At once.  Loses half a second at a kill: only to measure what durability costs.
    Off,
}

impl SledOptions {
    /// What suits a server.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cache_bytes: 16 << 20,
            min_free_bytes: 64 << 20,
            accept_loss: false,
            durable: Durability::Fdatasync,
            purpose: Purpose::Serve,
        }
    }
}
