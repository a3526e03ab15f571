//! How old what is in memory may be: on a shared store it is good only as long as the feed is followed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::store::Health;
use crate::types::error::OAuthError;

/// When the feed was last followed to its end.  By the monotonic clock: nobody sets it.
#[derive(Debug)]
pub struct Freshness {
    bound: Duration,
    /// What the instants count from.
    began: Instant,
    /// Milliseconds from there, and one; 0 for never.
    followed: AtomicU64,
    /// Why the feed could not be followed, since it was.
    failure: Mutex<Option<String>>,
}

/// What is in memory may be too old to be judged by.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Stale(String);

impl Freshness {
    /// Nothing is fresh before the feed was followed.
    #[must_use]
    pub fn new(bound: Duration) -> Self {
        Self { bound, began: Instant::now(), followed: AtomicU64::new(0), failure: Mutex::default() }
    }

    /// Everything that was committed before `since` is in memory.
    pub fn followed(&self, since: Instant) {
        let millis = self.millis(since).saturating_add(1);
        self.followed.fetch_max(millis, Ordering::Relaxed);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The feed could not be followed.
    pub fn failed(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn fresh(&self) -> bool {
        self.age().is_some_and(|age| age <= self.bound)
    }

    fn age(&self) -> Option<Duration> {
        let followed = self.followed.load(Ordering::Relaxed).checked_sub(1)?;
        Some(Duration::from_millis(self.millis(Instant::now()).saturating_sub(followed)))
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    fn stale(&self) -> String {
        let bound = self.bound.as_secs_f64();
        let since = match self.age() {
            Some(age) => {
                format!("what other replicas changed was last read {:.1} s ago, and {bound} s are allowed", age.as_secs_f64())
            }
            None => "what other replicas changed was not read yet".to_owned(),
        };
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).as_deref() {
            Some(why) => format!("{since}: {why}"),
            None => since,
        }
    }
}

impl Engine {
    /// Refuses to judge by what is in memory when it may be older than is allowed.  Asked before anything
    /// is used up, so that the same request succeeds when it is repeated.
    ///
    /// # Errors
    /// `temporarily_unavailable`.
    pub(crate) fn require_fresh(&self) -> Result<(), OAuthError> {
        match &self.freshness {
            Some(freshness) if !freshness.fresh() => Err(OAuthError {
                description: "the service cannot read at present what was changed elsewhere; try again later".into(),
                ..OAuthError::unavailable(Stale(freshness.stale()))
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Why nothing is judged by what is in memory now; `None` when it is.
    pub(crate) fn stale(&self) -> Option<Health> {
        let freshness = self.freshness.as_ref().filter(|freshness| !freshness.fresh())?;
        Some(Health::Unreachable(freshness.stale()))
    }
}
