//! The file that an export writes: `FILE.part` until it is whole.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::server::moving::MoveError;
use crate::store::dump::{DumpError, Header, Reader, Sums, Writer};
use crate::store::moving::Item;

/// A dump that is being written, by this process alone.
pub struct Part {
    path: PathBuf,
    file: File,
}

/// Whole records that are in it already.
pub struct Found {
    /// What it begins with.
    pub header: Header,
    /// What there is; the dump goes on behind it.
    pub sums: Sums,
    /// The last record.
    pub last: Option<Item>,
    /// Whether the end is there as well.
    pub whole: bool,
}

impl Part {
    /// Opens the part of a file, or makes it; only its owner may read it.
    ///
    /// # Errors
    /// When it cannot be used, or another process writes it.
    pub fn open(file: &Path) -> Result<Self, MoveError> {
        let mut path = file.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(MoveError::file(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, file }),
            Err(TryLockError::WouldBlock) => {
                Err(MoveError::Refused(format!("another jeton export writes {}: let it finish", path.display())))
            }
            Err(TryLockError::Error(cause)) => Err(MoveError::File { file: path, cause }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is there, up to where it was torn; `None` when there is nothing of use.
    ///
    /// # Errors
    /// When it is no dump, or cannot be read.
    pub fn look(&self) -> Result<Option<Found>, DumpError> {
        let Some(mut reader) = untorn(Reader::open(BufReader::new(&self.file)))? else { return Ok(None) };
        let mut last = None;
        let whole = loop {
            match untorn(reader.item())? {
                Some(Some(item)) => last = Some(item),
                Some(None) => break true,
                None => break false,
            }
        };
        Ok(Some(Found { header: reader.header().clone(), sums: reader.sums().clone(), last, whole }))
    }

    /// Writes on behind what is there, or from the beginning.
    ///
    /// # Errors
    /// Those of the file.
    pub fn writer(&self, header: &Header, written: Option<Sums>) -> io::Result<Writer<BufWriter<&File>>> {
        let bytes = written.as_ref().map_or(0, |written| written.bytes);
        self.file.set_len(bytes)?;
        (&self.file).seek(SeekFrom::Start(bytes))?;
        let target = BufWriter::new(&self.file);
        match written {
            Some(written) => Ok(Writer::resume(target, written)),
            None => Writer::begin(target, header),
        }
    }

    /// Gives the whole dump its name, durably.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn publish(&self, file: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, file)?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()
    }
}

/// What was read; `None` where a file stops that was being written when its process or its machine did.
fn untorn<T>(read: Result<T, DumpError>) -> Result<Option<T>, DumpError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(DumpError::Truncated { .. } | DumpError::Damaged { .. }) => Ok(None),
        Err(error @ (DumpError::NoDump | DumpError::Newer(_) | DumpError::Unreadable { .. })) => Err(error),
    }
}
