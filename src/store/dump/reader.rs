//! Reading a dump, and refusing one that is not what was written.

use std::io::{ErrorKind, Read};

use crate::store::codec::Frame;
use crate::store::dump::frame::{self, HEAD_BYTES, MAGIC, Type, VERSION};
use crate::store::dump::{DumpError, End, Header, Sums};
use crate::store::moving::Item;

/// A dump that is read from its beginning.
pub struct Reader<R> {
    source: R,
    sums: Sums,
    header: Header,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// When the file does not begin as a dump does.
    pub fn open(mut source: R) -> Result<Self, DumpError> {
        let mut sums = Sums::default();
        let mut begin = [0; MAGIC.len() + 1];
        let read = fill(&mut source, &mut begin, 0)?;
        let (magic, version) = begin.split_at(read.min(MAGIC.len()));
        if !MAGIC.starts_with(magic) {
            return Err(DumpError::NoDump);
        }
        match version.first() {
            Some(version) if read > MAGIC.len() && *version != VERSION => return Err(DumpError::Newer(*version)),
            Some(_) if read > MAGIC.len() => sums.add(&begin),
            Some(_) | None => return Err(DumpError::Truncated { at: 0 }),
        }
        let (kind, payload, bytes) = whole_frame(&mut source, &sums)?;
        let damaged = DumpError::Damaged { at: sums.bytes, what: "its first record is no header" };
        let header = match kind {
            Type::Header => Header::from_bytes(&payload).ok_or(damaged)?,
            Type::Item | Type::End => return Err(damaged),
        };
        sums.frame(&bytes);
        Ok(Self { source, sums, header, ended: false })
    }

    /// What the dump begins with.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What was read so far.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// The next record; `None` once the end was read, and everything before it added up.
    ///
    /// # Errors
    /// When the rest is missing or damaged.  What was read before is not affected.
    pub fn item(&mut self) -> Result<Option<Item>, DumpError> {
        if self.ended {
            return Ok(None);
        }
        let (kind, payload, bytes) = whole_frame(&mut self.source, &self.sums)?;
        match kind {
            Type::Header => Err(self.damaged("a second header")),
            Type::Item => {
                let item = Item::from_bytes(&payload).ok_or_else(|| self.damaged("a record that nobody wrote"))?;
                self.sums.frame(&bytes);
                self.sums.counts.add(item.kind(), 1);
                Ok(Some(item))
            }
            Type::End => {
                if End::from_bytes(&payload) != Some(self.sums.end()) {
                    return Err(self.damaged("its records are not those that were counted and hashed"));
                }
                self.sums.frame(&bytes);
                if fill(&mut self.source, &mut [0], self.sums.bytes)? > 0 {
                    return Err(self.damaged("there is more behind its end"));
                }
                self.ended = true;
                Ok(None)
            }
        }
    }

    fn damaged(&self, what: &'static str) -> DumpError {
        DumpError::Damaged { at: self.sums.bytes, what }
    }
}

/// Reads a frame behind what was read, and checks it: its type, its payload, and all its bytes.
fn whole_frame(source: &mut impl Read, before: &Sums) -> Result<(Type, Vec<u8>, Vec<u8>), DumpError> {
    let at = before.bytes;
    let mut head_bytes = [0; HEAD_BYTES];
    if fill(source, &mut head_bytes, at)? < HEAD_BYTES {
        return Err(DumpError::Truncated { at });
    }
    let head = frame::head(head_bytes).ok_or(DumpError::Damaged { at, what: "the head of a record" })?;
    let mut payload = vec![0; head.length];
    if fill(source, &mut payload, at)? < head.length {
        return Err(DumpError::Truncated { at });
    }
    if frame::checksum(before.frames, head.kind, &payload) != head.checksum {
        return Err(DumpError::Damaged { at, what: "a record's checksum" });
    }
    let bytes = [head_bytes.as_slice(), &payload].concat();
    Ok((head.kind, payload, bytes))
}

/// Reads until the buffer is full or the file ends, and answers how much there was.
fn fill(source: &mut impl Read, buffer: &mut [u8], at: u64) -> Result<usize, DumpError> {
    let wanted = buffer.len();
    let mut rest = buffer;
    while !rest.is_empty() {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => rest = rest.get_mut(read..).unwrap_or_default(),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => (),
            Err(cause) => return Err(DumpError::Unreadable { at, cause }),
        }
    }
    Ok(wanted.saturating_sub(rest.len()))
}
