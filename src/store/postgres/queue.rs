//! Where requests wait for a connection.  There is no timer: a connection takes what is there.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::store::StoreError;
use crate::store::postgres::request::{Kind, Request};

/// The most requests of one statement.
const BATCH: usize = 256;
/// Without any connection for so long, requests are refused at once instead of when their time is over.
const PATIENCE: Duration = Duration::from_secs(1);

/// The queue.
pub struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    closed: watch::Sender<bool>,
}

struct Waiting {
    requests: VecDeque<Request>,
    connected: usize,
    /// Since when nothing is connected, and why.
    down: Option<(Instant, String)>,
    epoch: u64,
    closed: bool,
}

impl Queue {
    /// An empty queue that no connection serves yet.
    #[must_use]
    pub fn new() -> Self {
        let waiting = Waiting { requests: VecDeque::new(), connected: 0, down: None, epoch: 0, closed: false };
        Self { waiting: Mutex::new(waiting), arrived: Notify::new(), closed: watch::Sender::new(false) }
    }

    /// Puts a request at the end.
    ///
    /// # Errors
    /// `Unavailable` after the end, and when there has been no connection for a while.
    pub fn push(&self, request: Request) -> Result<(), StoreError> {
        let mut waiting = self.locked();
        if waiting.closed {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        if let Some((since, why)) = &waiting.down
            && since.elapsed() > PATIENCE
        {
            return Err(unreachable(why));
        }
        waiting.requests.push_back(request);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Puts requests back in front: they have waited already.
    pub fn put_back(&self, requests: Vec<Request>) {
        let mut waiting = self.locked();
        for request in requests.into_iter().rev() {
            waiting.requests.push_front(request);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Takes the first request and those behind it that may travel with it; `None` after the end.
    pub async fn take(&self) -> Option<Vec<Request>> {
        loop {
            {
                let mut waiting = self.locked();
                let taken = waiting.take();
                if !taken.is_empty() {
                    let more = !waiting.requests.is_empty();
                    drop(waiting);
                    if more {
                        self.arrived.notify_one();
                    }
                    return Some(taken);
                }
                if waiting.closed {
                    drop(waiting);
                    // The next connection that waits is woken by this one.
                    self.arrived.notify_one();
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Counts the connections that broke.  What was connected before may lead to a server that was replaced, and
    /// would go on answering reads.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.locked().epoch
    }

    /// A connection is there.
    pub fn connected(&self) {
        let mut waiting = self.locked();
        waiting.connected = waiting.connected.saturating_add(1);
        waiting.down = None;
    }

    /// A connection broke: the others are to be opened anew too.
    pub fn broke(&self) {
        let mut waiting = self.locked();
        waiting.epoch = waiting.epoch.saturating_add(1);
    }

    /// A connection is gone.
    pub fn disconnected(&self, why: &str) {
        let mut waiting = self.locked();
        waiting.connected = waiting.connected.saturating_sub(1);
        if waiting.connected == 0 && waiting.down.is_none() {
            waiting.down = Some((Instant::now(), why.to_owned()));
        }
    }

    /// A connection could not be made.
    pub fn unreachable(&self, why: &str) {
        let mut waiting = self.locked();
        if waiting.connected > 0 {
            return;
        }
        let since = waiting.down.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        waiting.down = Some((since, why.to_owned()));
    }

    /// Why nobody is connected.
    pub fn down(&self) -> Option<String> {
        self.locked().down.as_ref().map(|(_, why)| why.clone())
    }

    /// No more requests; those that wait are still served.
    pub fn close(&self) {
        self.locked().closed = true;
        self.closed.send_replace(true);
        self.arrived.notify_one();
    }

    /// Resolves once there will be no more requests.
    pub async fn closed(&self) {
        // The sender is this value's own, so it is not gone.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    fn locked(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self) -> Vec<Request> {
        // Nobody waits for these any more, and they were never sent, or will be asked for again.
        while self.requests.front().is_some_and(|first| first.over()) {
            self.requests.pop_front();
        }
        let Some(first) = self.requests.pop_front() else { return Vec::new() };
        let kind = first.kind();
        let mut grants: BTreeSet<_> = first.work.grant().into_iter().collect();
        let mut taken = vec![first];
        if kind == Kind::Alone {
            return taken;
        }
        let mut left = VecDeque::with_capacity(self.requests.len());
        for request in self.requests.drain(..) {
            // One of each grant: of two replacements in one statement it could not be said which was first.
            let fits = taken.len() < BATCH && request.kind() == kind && request.work.grant().is_none_or(|id| grants.insert(id));
            if fits { taken.push(request) } else { left.push_back(request) }
        }
        self.requests = left;
        taken
    }
}

/// What is said while there is no connection.
pub fn unreachable(why: &str) -> StoreError {
    StoreError::Unavailable(format!("PostgreSQL cannot be reached: {why}"))
}
