//! The one thread that makes batches durable.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram};

use crate::store::codec::{self, Sequence};
use crate::store::sled::commit::{Batch, Commit, Next};
use crate::store::sled::mark::Mark;
use crate::store::sled::meta::SEQUENCE_KEY;
use crate::store::sled::space::Space;

/// How long the mark may wait for its own fdatasync.
const MARK_SYNC: Duration = Duration::from_millis(100);
/// How often free space is looked at.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// The longest that a batch may grow on purpose, however slow the disk is.
const LONGEST_GATHER: Duration = Duration::from_millis(2);

/// What the thread works with.
pub struct Flusher {
    /// Where the batches come from.
    pub commit: Arc<Commit>,
    /// sled.
    pub db: ::sled::Db,
    /// The tree of the sequence record.
    pub meta: ::sled::Tree,
    /// An own descriptor of sled's one file: sled reports no failed fsync.
    pub file: File,
    /// The high-water mark.
    pub mark: Mark,
    /// The newest commit.
    pub sequence: u64,
    /// Watches the disk.
    pub space: Space,
    /// What operators see.
    pub meters: Meters,
}

/// Metrics, looked up once.
pub struct Meters {
    flush_seconds: Histogram,
    batch_size: Histogram,
    commits: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            flush_seconds: metrics::histogram!("jeton_store_flush_duration_seconds"),
            batch_size: metrics::histogram!("jeton_store_batch_size"),
            commits: metrics::counter!("jeton_store_commits_total"),
        }
    }
}

impl Flusher {
    /// Runs until the store is closed or fails.  A failed step is never repeated.
    pub fn run(mut self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.serve()));
        match outcome {
            Ok(Ok(())) => self.commit.stop("the store is closed"),
            Ok(Err(error)) => drop(self.commit.fail(&error.to_string())),
            Err(_) => drop(self.commit.fail("the flusher panicked")),
        }
        self.commit.ended();
    }

    fn serve(&mut self) -> Result<(), Failed> {
        let mut last = 0;
        let mut gather = Duration::ZERO;
        let mut unsynced_since: Option<Instant> = None;
        let mut looked = Instant::now();
        loop {
            let idle = if unsynced_since.is_some() { MARK_SYNC } else { LOOK_AROUND };
            match self.commit.next(last, gather, idle) {
                Next::Flush(batch) => {
                    let began = Instant::now();
                    last = batch.len();
                    self.flush(&batch)?;
                    let took = began.elapsed();
                    self.commit.complete(batch);
                    gather = took.min(LONGEST_GATHER);
                    unsynced_since = unsynced_since.or(Some(began));
                    self.meters.flush_seconds.record(took);
                    self.meters.batch_size.record(u32::try_from(last).unwrap_or(u32::MAX));
                    self.meters.commits.increment(u64::try_from(last).unwrap_or(u64::MAX));
                }
                Next::Idle => last = 0,
                Next::Close => return self.end(),
            }
            if unsynced_since.is_some_and(|since| since.elapsed() >= MARK_SYNC) {
                self.mark.sync().map_err(Failed::Mark)?;
                unsynced_since = None;
            }
            if looked.elapsed() >= LOOK_AROUND {
                self.space.look(self.commit.health());
                looked = Instant::now();
            }
        }
    }

    /// Makes a batch durable: its records, then its number, then the mark.
    fn flush(&mut self, batch: &Batch) -> Result<(), Failed> {
        if batch.changes.is_empty() {
            // Only readers: what they read may be part of a batch that is durable by now, but the
            // flush is cheap then.
            self.db.flush()?;
            return self.file.sync_data().map_err(Failed::Sync);
        }
        let sequence = self.sequence.saturating_add(1);
        let record = codec::encode(SEQUENCE_KEY, &Sequence(sequence)).map_err(|_| Failed::Sequence)?;
        self.meta.insert(SEQUENCE_KEY, record)?;
        self.db.flush()?;
        self.file.sync_data().map_err(Failed::Sync)?;
        self.mark.write(sequence).map_err(Failed::Mark)?;
        self.sequence = sequence;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failed> {
        self.db.flush()?;
        self.file.sync_data().map_err(Failed::Sync)?;
        self.mark.sync().map_err(Failed::Mark)
    }
}

/// Which step failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("writing failed: {0}")]
    Write(#[from] ::sled::Error),
    #[error("fdatasync failed: {0}")]
    Sync(std::io::Error),
    #[error("the high-water mark could not be written: {0}")]
    Mark(std::io::Error),
    #[error("the sequence record could not be made")]
    Sequence,
}
