//! Writing a dump, or going on with one.

use std::io::{self, Write};

use crate::store::codec::Frame;
use crate::store::dump::frame::{self, MAGIC, Type, VERSION};
use crate::store::dump::{Header, Sums};
use crate::store::moving::{Counts, Item};

/// A dump that is written to its end.
pub struct Writer<W> {
    target: W,
    sums: Sums,
}

impl<W: Write> Writer<W> {
    /// Begins a dump.
    ///
    /// # Errors
    /// Those of the target.
    pub fn begin(target: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { target, sums: Sums::default() };
        let begin = [MAGIC, &[VERSION]].concat();
        writer.target.write_all(&begin)?;
        writer.sums.add(&begin);
        writer.frame(Type::Header, &header.to_bytes())?;
        Ok(writer)
    }

    /// Goes on behind what was written before, which ends where `target` stands.
    pub fn resume(target: W, written: Sums) -> Self {
        Self { target, sums: written }
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Those of the target.
    pub fn item(&mut self, item: &Item) -> io::Result<()> {
        self.frame(Type::Item, &item.to_bytes())?;
        self.sums.counts.add(item.kind(), 1);
        Ok(())
    }

    /// The records that were written so far.
    pub fn counts(&self) -> &Counts {
        &self.sums.counts
    }

    /// Writes the end, and gives the target back for making it durable, with the number of bytes.
    ///
    /// # Errors
    /// Those of the target.
    pub fn end(mut self) -> io::Result<(W, u64)> {
        let end = self.sums.end();
        self.frame(Type::End, &end.to_bytes())?;
        self.target.flush()?;
        Ok((self.target, self.sums.bytes))
    }

    fn frame(&mut self, kind: Type, payload: &[u8]) -> io::Result<()> {
        let bytes = frame::frame(self.sums.frames, kind, payload);
        self.target.write_all(&bytes)?;
        self.sums.frame(&bytes);
        Ok(())
    }
}
