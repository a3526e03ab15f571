//! The change feed of the one process on this store: the latest changes that became durable, in memory.
//!
//! Whoever follows it lives in the same process, so it begins empty whenever the store is opened.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::store::feed::{Change, Feed, FeedVersion};

/// How many changes are kept: far more than happen between two looks of a follower.
const KEPT: usize = 1024;

/// The latest changes, in the order in which they became durable.
pub struct FeedLog {
    log: Mutex<Log>,
    hint: watch::Sender<u64>,
}

#[derive(Default)]
struct Log {
    newest: u64,
    changes: VecDeque<Change>,
}

impl Default for FeedLog {
    fn default() -> Self {
        Self { log: Mutex::default(), hint: watch::Sender::new(0) }
    }
}

impl FeedLog {
    /// Adds changes that are durable by now.
    pub fn append(&self, changes: impl IntoIterator<Item = Change>) {
        let mut log = self.locked();
        let before = log.newest;
        for change in changes {
            if log.changes.len() == KEPT {
                log.changes.pop_front();
            }
            log.changes.push_back(change);
            log.newest = log.newest.saturating_add(1);
        }
        if log.newest != before {
            self.hint.send_replace(log.newest);
        }
    }

    /// Where the feed is now.
    pub fn version(&self) -> FeedVersion {
        FeedVersion(self.locked().newest)
    }

    /// What is behind a version.
    pub fn read(&self, after: FeedVersion, limit: usize) -> Feed {
        let log = self.locked();
        let kept = u64::try_from(log.changes.len()).unwrap_or(u64::MAX);
        // A version from the future is of another life of the store.
        let known = (log.newest.saturating_sub(kept)..=log.newest).contains(&after.0);
        let behind = usize::try_from(log.newest.saturating_sub(after.0)).unwrap_or(usize::MAX);
        let Some(skipped) = log.changes.len().checked_sub(behind).filter(|_| known) else { return Feed::Lost };
        let changes: Vec<Change> = log.changes.iter().skip(skipped).take(limit.max(1)).cloned().collect();
        let read = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let upto = after.0.saturating_add(read);
        Feed::Changes { changes, upto: FeedVersion(upto), more: upto < log.newest }
    }

    /// Changes with the feed.
    pub fn hint(&self) -> watch::Receiver<u64> {
        self.hint.subscribe()
    }

    fn locked(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use crate::types::ids::WorkspaceId;

    use super::*;

    fn change(number: usize) -> Change {
        Change::Workspace(WorkspaceId([u8::try_from(number % 251).unwrap(); 16]))
    }

    /// A follower that was away for too long, or follows another life of the store, is told so.
    #[test]
    fn only_the_latest_changes_are_kept() {
        let feed = FeedLog::default();
        feed.append((0..KEPT + 3).map(change));
        assert_eq!(feed.version(), FeedVersion(1027));
        assert_eq!(feed.read(FeedVersion(2), 10), Feed::Lost);
        let oldest = Feed::Changes { changes: vec![change(3)], upto: FeedVersion(4), more: true };
        assert_eq!(feed.read(FeedVersion(3), 1), oldest);
        let nothing = Feed::Changes { changes: vec![], upto: FeedVersion(1027), more: false };
        assert_eq!(feed.read(FeedVersion(1027), 10), nothing);
        assert_eq!(feed.read(FeedVersion(1028), 10), Feed::Lost);
    }

    #[test]
    fn the_hint_moves_with_the_feed() {
        let feed = FeedLog::default();
        let mut hint = feed.hint();
        feed.append([]);
        assert!(!hint.has_changed().unwrap());
        feed.append([change(1), change(2)]);
        assert!(hint.has_changed().unwrap());
        assert_eq!(*hint.borrow_and_update(), 2);
    }
}
