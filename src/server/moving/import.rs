//! Into a store: check the whole dump, then keep everything in it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::config::Config;
use crate::keys::data_keys::DataKeys;
use crate::keys::master_key::MasterKey;
use crate::server::moving::{AT_ONCE, MoveError, Moved, Progress};
use crate::server::secrets::master_key;
use crate::server::start::Ports;
use crate::store::dump::{Header, Reader};
use crate::store::moving::{Counts, Item, Moving};

/// A dump that was read to its end, and is good.
pub struct Checked {
    header: Header,
    counts: Counts,
}

/// Reads a dump to its end, with the master key that its keys were sealed under.
pub fn check(
    config: &Config,
    ports: &Ports,
    file: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Checked, MoveError> {
    let supplied = config.secrets.master_key.as_ref();
    let master_key = master_key(supplied, &config.data_dir, false, &*ports.entropy).map_err(MoveError::MasterKey)?;
    let (mut reader, bytes) = open(file)?;
    let mut records = 0_usize;
    while let Some(item) = reader.item()? {
        check_seal(&item, &master_key)?;
        records = records.saturating_add(1);
        if records.is_multiple_of(AT_ONCE) {
            progress(Progress::Checked(reader.sums().bytes, bytes));
        }
    }
    progress(Progress::Checked(bytes, bytes));
    Ok(Checked { header: reader.header().clone(), counts: reader.sums().counts })
}

/// Keeps everything of a dump that was checked.
pub async fn import(
    store: &dyn Moving,
    file: &Path,
    checked: &Checked,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Moved, MoveError> {
    let dump = checked.header.dump;
    let moved = |already| Moved { dump, file: file.to_owned(), counts: checked.counts, already };
    let begun = store.begin_import(dump).await?;
    if begun.complete {
        return Ok(moved(true));
    }
    let (mut reader, _) = open(file)?;
    if *reader.header() != checked.header {
        return Err(changed(file));
    }
    let total = checked.counts.total();
    let mut kept = 0_u64;
    loop {
        let items = page(&mut reader)?;
        if items.is_empty() {
            break;
        }
        let before = kept;
        kept = reader.sums().counts.total();
        if kept > begun.items {
            store.put(dump, before, &items).await?;
        }
        progress(Progress::Moved(kept, total));
    }
    if reader.sums().counts != checked.counts {
        return Err(changed(file));
    }
    store.end_import(dump, &checked.counts).await?;
    Ok(moved(false))
}

fn open(file: &Path) -> Result<(Reader<BufReader<File>>, u64), MoveError> {
    let open = File::open(file).map_err(MoveError::file(file))?;
    let bytes = open.metadata().map_err(MoveError::file(file))?.len();
    Ok((Reader::open(BufReader::new(open))?, bytes))
}

fn page(reader: &mut Reader<impl Read>) -> Result<Vec<Item>, MoveError> {
    let mut items = Vec::with_capacity(AT_ONCE);
    while items.len() < AT_ONCE {
        match reader.item()? {
            Some(item) => items.push(item),
            None => break,
        }
    }
    Ok(items)
}

/// Keys that cannot be opened would be found at the first start on the store, when its import is over.
fn check_seal(item: &Item, master_key: &MasterKey) -> Result<(), MoveError> {
    let Item::DataKeys(keys) = item else { return Ok(()) };
    match DataKeys::open(master_key, keys) {
        Ok(_) => Ok(()),
        Err(_) => Err(MoveError::MasterKey(
            "the dump's keys were sealed under another master key: give jeton the one of the store that was exported, \
             with JETON_MASTER_KEY_FILE or as master-key in the data directory"
                .to_owned(),
        )),
    }
}

fn changed(file: &Path) -> MoveError {
    MoveError::Refused(format!("{} changed while it was read: import it again", file.display()))
}
