//! Group commit: many changes, one flush, and no answer before it.
//!
//! A change announces its key, happens in memory, and joins the open batch.  The flusher takes the
//! whole batch, makes it durable, and wakes everybody in it.  Who reads a key with a change under
//! way joins the batch too, so that no answer rests on what a crash could undo.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::store::feed;
use crate::store::sled::feed::FeedLog;
use crate::store::sled::options::Durability;
use crate::store::sled::pending::{Pending, Place};
use crate::store::{Health, StoreError};

/// The meeting point of those who change and the one who flushes.
pub struct Commit {
    queue: Mutex<Queue>,
    wake: Condvar,
    stopped: AtomicBool,
    /// Whether the flusher has ended.
    ended: watch::Sender<bool>,
    pending: Pending,
    health: watch::Sender<Health>,
    feed: FeedLog,
    durability: Durability,
}

struct Queue {
    batch: Batch,
    phase: Phase,
    /// How large the batch must be to wake the flusher.
    wanted: usize,
}

#[derive(Clone)]
enum Phase {
    Open,
    Closing,
    /// Nothing becomes durable any more; why.
    Stopped(String),
}

/// Those who wait for the same flush.
#[derive(Default)]
pub struct Batch {
    /// Where they changed something.
    pub changes: Vec<Place>,
    /// What the feed tells of it.
    told: Vec<feed::Change>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Batch {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len().max(self.changes.len())
    }

    /// Whether nobody waits and nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the flusher finds when it looks.
pub enum Next {
    /// A batch to make durable.
    Flush(Batch),
    /// Nothing for so long as it was willing to wait.
    Idle,
    /// Nothing, and there will be nothing more.
    Close,
}

/// A change that was announced and has not happened yet.  When it is dropped without a word, as by a
/// panic, it counts as having happened.
pub struct Change<'a> {
    commit: &'a Commit,
    place: Option<Place>,
    told: Option<feed::Change>,
}

/// A place in a batch.
#[must_use]
pub struct Ticket<'a> {
    commit: &'a Commit,
    flushed: Option<oneshot::Receiver<()>>,
}

impl Commit {
    /// A commit that so many trees take part in.
    #[must_use]
    pub fn new(trees: usize, durability: Durability) -> Self {
        let queue = Queue { batch: Batch::default(), phase: Phase::Open, wanted: 1 };
        Self {
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            stopped: AtomicBool::new(false),
            ended: watch::Sender::new(false),
            pending: Pending::new(trees),
            health: watch::Sender::new(Health::Serving),
            feed: FeedLog::default(),
            durability,
        }
    }

    /// Announces a change, before it happens.
    ///
    /// # Errors
    /// `Unavailable` after a failure or after the end.
    pub fn begin(&self, place: Place) -> Result<Change<'_>, StoreError> {
        self.serving()?;
        self.pending.begin(place);
        Ok(Change { commit: self, place: Some(place), told: None })
    }

    /// Waits until what was just read of a key is durable.
    ///
    /// # Errors
    /// `Unavailable` when that cannot be.
    pub async fn settle(&self, place: Place) -> Result<(), StoreError> {
        self.serving()?;
        if self.pending.key(place) { self.join(None, None).durable().await } else { Ok(()) }
    }

    /// Waits until what was just read of a whole tree is durable.
    ///
    /// # Errors
    /// As [`Commit::settle`].
    pub async fn settle_tree(&self, tree: usize) -> Result<(), StoreError> {
        self.serving()?;
        if self.pending.tree(tree) { self.join(None, None).durable().await } else { Ok(()) }
    }

    /// The changes that are durable, for those who follow them.
    ///
    /// # Errors
    /// `Unavailable` after a failure or after the end: then nobody knows what is durable.
    pub fn feed(&self) -> Result<&FeedLog, StoreError> {
        self.serving().map(|()| &self.feed)
    }

    /// Changes with the feed, whatever the store's health is.
    pub fn feed_hint(&self) -> watch::Receiver<u64> {
        self.feed.hint()
    }

    /// What the store's health is.
    pub fn health(&self) -> &watch::Sender<Health> {
        &self.health
    }

    /// Gives up for good: nobody knows what is on disk after a failed write, and a second fsync
    /// would claim that all is well.
    pub fn fail(&self, reason: &str) -> StoreError {
        self.stop(reason);
        self.health.send_if_modified(|health| {
            let first = !matches!(health, Health::Failed(_));
            if first {
                tracing::error!(reason, "the store cannot make changes durable any more");
                *health = Health::Failed(reason.to_owned());
            }
            first
        });
        StoreError::Unavailable(reason.to_owned())
    }

    /// Asks the flusher to finish what waits and then to end.
    pub fn close(&self) {
        let mut queue = self.locked();
        if matches!(queue.phase, Phase::Open) {
            queue.phase = Phase::Closing;
        }
        self.wake.notify_all();
    }

    /// Waits until the flusher has ended.
    ///
    /// # Errors
    /// `Unavailable` when it did not end well.
    pub async fn closed(&self) -> Result<(), StoreError> {
        // The sender is this value's own, so it is not gone.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
        match &*self.health.borrow() {
            Health::Failed(reason) => Err(StoreError::Unavailable(reason.clone())),
            Health::Serving | Health::NearlyFull | Health::Unreachable(_) => Ok(()),
        }
    }

    /// For the flusher: it has ended.
    pub fn ended(&self) {
        self.ended.send_replace(true);
    }

    /// Refuses everything from now on, and those who wait.
    pub fn stop(&self, reason: &str) {
        let mut queue = self.locked();
        if !matches!(queue.phase, Phase::Stopped(_)) {
            queue.phase = Phase::Stopped(reason.to_owned());
        }
        self.stopped.store(true, Ordering::SeqCst);
        // Dropping the senders is what tells those who wait.
        queue.batch = Batch::default();
        self.wake.notify_all();
    }

    /// For the flusher: waits for a batch.  After one of `last`, which took `took`, it lets the next
    /// one grow for at most as long again: those it has just woken are about to come back, and to
    /// flush with them costs less than to flush for them once more.
    pub fn next(&self, last: usize, took: Duration, idle: Duration) -> Next {
        let mut queue = self.locked();
        // One caller alone must not wait for others that do not exist.
        if last > 1 {
            queue = self.gather(queue, last, took);
        }
        queue.wanted = 1;
        let waited =
            self.wake.wait_timeout_while(queue, idle, |queue| queue.batch.is_empty() && matches!(queue.phase, Phase::Open));
        (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !queue.batch.is_empty() {
            return Next::Flush(std::mem::take(&mut queue.batch));
        }
        match queue.phase {
            Phase::Open => Next::Idle,
            Phase::Closing | Phase::Stopped(_) => Next::Close,
        }
    }

    /// For the flusher: a batch is durable.
    pub fn complete(&self, batch: Batch) {
        for place in batch.changes {
            self.pending.end(place);
        }
        // Before the answers, so that whoever has one finds the change in the feed.
        self.feed.append(batch.told);
        for waiting in batch.waiting {
            // Who stopped waiting does not mind.
            let _ = waiting.send(());
        }
    }

    /// Waits until the last ones are back beside those who are there already, or nobody came for a
    /// quarter of the time.
    fn gather<'a>(&'a self, mut queue: MutexGuard<'a, Queue>, last: usize, longest: Duration) -> MutexGuard<'a, Queue> {
        let wanted = queue.batch.len().saturating_add(last);
        let until = Instant::now().checked_add(longest);
        queue.wanted = wanted;
        loop {
            let before = queue.batch.len();
            let growing = |queue: &mut Queue| queue.batch.len() < wanted && matches!(queue.phase, Phase::Open);
            let waited = self.wake.wait_timeout_while(queue, longest / 4, growing);
            let pause;
            (queue, pause) = waited.unwrap_or_else(PoisonError::into_inner);
            if !pause.timed_out() || queue.batch.len() == before || until.is_none_or(|until| Instant::now() >= until) {
                return queue;
            }
        }
    }

    /// Refuses when nothing becomes durable any more.
    fn serving(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::SeqCst) { Err(self.unavailable()) } else { Ok(()) }
    }

    fn unavailable(&self) -> StoreError {
        let reason = match &self.locked().phase {
            Phase::Stopped(reason) => reason.clone(),
            Phase::Open | Phase::Closing => "the flush did not end".to_owned(),
        };
        StoreError::Unavailable(reason)
    }

    fn join(&self, change: Option<Place>, told: Option<feed::Change>) -> Ticket<'_> {
        let (flushed, ticket) = oneshot::channel();
        let mut queue = self.locked();
        if !matches!(queue.phase, Phase::Stopped(_)) {
            queue.batch.changes.extend(change);
            queue.batch.told.extend(told);
            queue.batch.waiting.push(flushed);
            if queue.batch.len() == queue.wanted {
                self.wake.notify_one();
            }
        }
        Ticket { commit: self, flushed: Some(ticket) }
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Change<'a> {
    /// The same, told in the feed when it is durable.
    pub fn telling(mut self, told: Option<feed::Change>) -> Self {
        self.told = told;
        self
    }

    /// It happened: joins the batch.
    pub fn happened(mut self) -> Ticket<'a> {
        let commit = self.commit;
        let (place, told) = (self.place.take(), self.told.take());
        match commit.durability {
            Durability::Fdatasync => commit.join(place, told),
            Durability::Off => {
                place.into_iter().for_each(|place| commit.pending.end(place));
                commit.feed.append(told);
                Ticket { commit, flushed: None }
            }
        }
    }

    /// It did not happen.
    pub fn withdrawn(mut self) {
        self.place.take().into_iter().for_each(|place| self.commit.pending.end(place));
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            drop(self.commit.join(Some(place), self.told.take()));
        }
    }
}

impl Ticket<'_> {
    /// Waits for the flush.
    ///
    /// # Errors
    /// `Unavailable` when it failed.
    pub async fn durable(self) -> Result<(), StoreError> {
        let Some(flushed) = self.flushed else {
            return Ok(());
        };
        flushed.await.map_err(|_| self.commit.unavailable())
    }
}

#[cfg(test)]
mod tests;
