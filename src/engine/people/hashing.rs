//! Hashing beside the event loop: as many at a time as there are cores, and a short queue.  Without a limit,
//! sign-ins would take the memory and the cores that tokens need.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::types::error::{ErrorCode, OAuthError};

/// How many may wait for each core: at tens of milliseconds a hash, less than a second.
const WAITING_PER_CORE: usize = 16;

/// Runs what takes a core for long.
pub struct Hashing {
    /// Who runs or waits.
    places: Arc<Semaphore>,
    /// Who runs.
    cores: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self::on_cores(std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }
}

impl Hashing {
    fn on_cores(cores: usize) -> Self {
        let places = cores.saturating_mul(WAITING_PER_CORE.saturating_add(1));
        Self { places: Arc::new(Semaphore::new(places)), cores: Arc::new(Semaphore::new(cores)) }
    }

    /// Runs `work` when a core is free.  It holds its core until it has ended, even when its caller is gone.
    ///
    /// # Errors
    /// `temporarily_unavailable` when too many wait already.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, OAuthError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| too_many())?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(OAuthError::server_error)?;
        let run = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((place, core));
            done
        });
        // The text of a panic may hold a password, so that it goes nowhere.
        run.await.map_err(|_| OAuthError::server_error("hashing a password panicked"))
    }
}

fn too_many() -> OAuthError {
    OAuthError {
        retry_after: Some(1),
        ..OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many people sign in at once; try again in a second")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn more_than_may_wait_are_refused_at_once() {
        let hashing = Arc::new(Hashing::on_cores(1));
        let gate = Arc::new(Barrier::new(2));
        let run = |gate: Option<Arc<Barrier>>| {
            let hashing = Arc::clone(&hashing);
            tokio::spawn(async move { hashing.run(move || gate.map(|gate| gate.wait())).await.map(|_| ()) })
        };
        let mut waiting = vec![run(Some(Arc::clone(&gate)))];
        waiting.extend((0..WAITING_PER_CORE).map(|_| run(None)));
        while hashing.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = hashing.run(|| ()).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::TemporarilyUnavailable, Some(1)));
        gate.wait();
        for waiting in waiting {
            waiting.await.unwrap().unwrap();
        }
        hashing.run(|| ()).await.unwrap();
    }
}
