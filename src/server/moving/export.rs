//! Out of a store: fence it, then write everything.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::server::moving::part::{Found, Part};
use crate::server::moving::{AT_ONCE, MoveError, Moved, Progress};
use crate::server::start::Ports;
use crate::store::dump::{Header, Reader};
use crate::store::moving::{Counts, DumpId, Fence, Kind, Moving};

/// Writes everything in a store into a file.
pub async fn export(
    store: &dyn Moving,
    ports: &Ports,
    notice_time: Duration,
    file: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Moved, MoveError> {
    if store.counts().await?.of(Kind::DataKeys) == 0 {
        return Err(MoveError::Refused("there is nothing in the store: no server was ever started on it".to_owned()));
    }
    let fenced = store.fenced().await?;
    if let Some(moved) = exported(file, fenced.as_ref())? {
        return Ok(moved);
    }
    // Before the fence, so that a file that cannot be written costs nothing.
    let part = Part::open(file)?;
    let found = part.look()?;
    if let Some(found) = &found
        && fenced.as_ref().is_none_or(|fence| fence.dump != found.header.dump)
    {
        let path = part.path().display();
        return Err(MoveError::Refused(format!(
            "{path} belongs to the export of another store: move it away, or name another file"
        )));
    }
    let fence = match fenced {
        Some(fence) => fence,
        None => store.fence(&new_fence(ports, file)?).await?,
    };
    if !notice_time.is_zero() {
        progress(Progress::Waiting(notice_time));
        tokio::time::sleep(notice_time).await;
    }
    let counts = store.counts().await?;
    let header = Header { dump: fence.dump, source: store.source().to_owned(), fenced_at: fence.fenced_at };
    let written = match found {
        Some(found) if found.whole => found.sums.counts,
        found => write(store, &part, &header, found, counts.total(), progress).await?,
    };
    if written != counts {
        return Err(MoveError::Refused(format!(
            "the store has {counts}, but {} has {written}: remove it, and run jeton export again",
            part.path().display()
        )));
    }
    part.publish(file).map_err(MoveError::file(file))?;
    Ok(Moved { dump: header.dump, file: file.to_owned(), counts, already: false })
}

/// What an earlier export to the same file has done, if it is done.
fn exported(file: &Path, fenced: Option<&Fence>) -> Result<Option<Moved>, MoveError> {
    let open = match File::open(file) {
        Ok(open) => open,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(MoveError::File { file: file.to_owned(), cause }),
    };
    let other =
        || MoveError::Refused(format!("{} is there already and is not this store's dump: name another file", file.display()));
    let fence = fenced.ok_or_else(other)?;
    let mut reader = Reader::open(BufReader::new(open)).map_err(|_| other())?;
    if reader.header().dump != fence.dump {
        return Err(other());
    }
    while reader.item()?.is_some() {}
    Ok(Some(Moved { dump: fence.dump, file: file.to_owned(), counts: reader.sums().counts, already: true }))
}

fn new_fence(ports: &Ports, file: &Path) -> Result<Fence, MoveError> {
    let dump = ports.entropy.array().map_err(|error| MoveError::Refused(error.to_string()))?;
    let fenced_at = ports.clock.now().seconds();
    let at = Timestamp::from_second(fenced_at.0).map(|at| at.to_string()).unwrap_or_default();
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    Ok(Fence { dump: DumpId(dump), fenced_at, reason: format!("exported to {} at {at}", file.display()) })
}

/// Writes what is not written yet, and answers how many records there are then.
async fn write(
    store: &dyn Moving,
    part: &Part,
    header: &Header,
    found: Option<Found>,
    total: u64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Counts, MoveError> {
    let unwritable = || MoveError::file(part.path());
    let (written, mut last) = found.map_or((None, None), |found| (Some(found.sums), found.last));
    let mut writer = part.writer(header, written).map_err(unwritable())?;
    for kind in Kind::ALL {
        if last.as_ref().is_some_and(|last| last.kind() > kind) {
            continue;
        }
        loop {
            let after = last.take().filter(|last| last.kind() == kind);
            let items = store.page(kind, after.as_ref(), AT_ONCE).await?;
            items.iter().try_for_each(|item| writer.item(item)).map_err(unwritable())?;
            progress(Progress::Moved(writer.counts().total(), total));
            last = items.into_iter().last();
            if last.is_none() {
                break;
            }
        }
    }
    let counts = *writer.counts();
    writer.end().map_err(unwritable())?;
    Ok(counts)
}
