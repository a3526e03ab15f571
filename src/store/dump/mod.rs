//! The dump: a file that carries a whole deployment from one store to another.
//!
//! ```text
//! file    = "jeton dump" version(1) header-frame item-frame* end-frame
//! frame   = type(1) length(4) crc32(4) payload(length)
//! ```
//! Numbers are big-endian.  A payload is a message of `proto/jeton/storage/v1/dump.proto`.  The checksum of a frame
//! covers its number in the file, its type and its payload, so that frames that changed places are found where they
//! stand; the end frame carries a count for each kind and the SHA-256 of all bytes before it, so that what is
//! missing is found too.  Sealed keys travel sealed: a dump is worth nothing without the master key of its source,
//! but whoever has both has everything.

use std::io;

use sha2::{Digest, Sha256};

use crate::store::moving::{Counts, DumpId};
use crate::types::time::UnixSeconds;

mod frame;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

/// What a dump begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Names the move.
    pub dump: DumpId,
    /// The store it was made from.
    pub source: String,
    /// When that store was fenced.
    pub fenced_at: UnixSeconds,
}

/// What a dump ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How many records of each kind came before.
    pub counts: Counts,
    /// Over every byte that came before.
    pub sha256: [u8; 32],
}

/// What was read or written of a dump so far, in whole frames.
#[derive(Clone, Default)]
pub struct Sums {
    hash: Sha256,
    /// How many frames there were.
    frames: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// The records in them.
    pub counts: Counts,
}

impl Sums {
    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    fn frame(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.frames = self.frames.saturating_add(1);
    }

    fn end(&self) -> End {
        End { counts: self.counts, sha256: self.hash.clone().finalize().into() }
    }
}

/// Why a file cannot be read as a dump.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It is something else.
    #[error("the file is no dump of jeton's: name one that jeton export has made")]
    NoDump,
    /// A newer jeton wrote it.
    #[error("the dump has version {0}, newer than this jeton knows: use the newer jeton")]
    Newer(u8),
    /// It stops in the middle.
    #[error("the dump stops at byte {at}, before its end: finish jeton export, or copy the whole file again")]
    Truncated {
        /// Behind the last whole frame.
        at: u64,
    },
    /// A part of it is not what was written.
    #[error("the dump is damaged at byte {at} ({what}): copy it again from where it was made, or export it again")]
    Damaged {
        /// Where the frame begins.
        at: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file cannot be read.
    #[error("the dump cannot be read at byte {at}: {cause}")]
    Unreadable {
        /// Behind the last whole frame.
        at: u64,
        /// Why.
        cause: io::Error,
    },
}
