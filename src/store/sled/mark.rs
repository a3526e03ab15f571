//! The high-water mark: outside sled, the number of the newest commit that was acknowledged.
//!
//! sled recovers a prefix of what was written and does not say what is missing.  The mark does: a
//! store that ends before it has lost something.  It has two slots that are written in turn, so that
//! a torn write leaves the other one.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Apart, so that no sector holds both.
const SLOT_OFFSETS: [u64; 2] = [0, 4096];

/// What the file said when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// There was none, or nothing in it yet.
    New,
    /// So many commits were acknowledged at least.
    At(u64),
    /// Neither slot is readable.
    Damaged,
}

/// The open file.
#[derive(Debug)]
pub struct Mark {
    file: File,
}

impl Mark {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<(Self, Marked)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mark = Self { file };
        if mark.file.metadata()?.len() == 0 {
            return Ok((mark, Marked::New));
        }
        let newest = SLOT_OFFSETS.iter().filter_map(|offset| mark.slot(*offset)).max();
        Ok((mark, newest.map_or(Marked::Damaged, Marked::At)))
    }

    /// Notes a commit.  It survives a kill at once, a power cut after [`Mark::sync`].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, sequence: u64) -> io::Result<()> {
        let number = sequence.to_be_bytes();
        let mut slot = [0; 12];
        let (head, tail) = slot.split_at_mut(8);
        head.copy_from_slice(&number);
        tail.copy_from_slice(&crc32fast::hash(&number).to_be_bytes());
        let [even, odd] = SLOT_OFFSETS;
        self.file.write_all_at(&slot, if sequence.is_multiple_of(2) { even } else { odd })
    }

    /// Makes what was noted survive a power cut.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn slot(&self, offset: u64) -> Option<u64> {
        let mut slot = [0; 12];
        self.file.read_exact_at(&mut slot, offset).ok()?;
        let (number, rest) = slot.split_first_chunk::<8>()?;
        let checksum: [u8; 4] = rest.try_into().ok()?;
        (crc32fast::hash(number).to_be_bytes() == checksum).then_some(u64::from_be_bytes(*number))
    }
}
