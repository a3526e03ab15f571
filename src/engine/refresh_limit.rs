//! How often one grant may be refreshed by who shows nothing but its refresh token.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::types::error::OAuthError;
use crate::types::ids::GrantId;
use crate::types::time::Clock;

/// Ten at once, then one in six seconds: more than any honest client, too few to be of use to another.
const EVERY: Duration = Duration::from_secs(6);
const AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// The limit, by grant.  A key is kept only for an authentic token, and forgotten once it is at rest.
pub struct RefreshLimit(RateLimiter<GrantId, HashMapStateStore<GrantId>, OurClock, NoOpMiddleware<Nanos>>);

impl RefreshLimit {
    /// A limit that has seen nothing.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::with_period(EVERY).unwrap_or(Quota::per_minute(AT_ONCE)).allow_burst(AT_ONCE);
        Self(RateLimiter::new(quota, HashMapStateStore::default(), OurClock(clock)))
    }

    /// Counts one refresh.
    ///
    /// # Errors
    /// `too_many_requests` when it is one too many.
    pub fn check(&self, grant: GrantId) -> Result<(), OAuthError> {
        self.0.check_key(&grant).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(self.0.clock().now());
            OAuthError::too_many_requests(wait.as_secs().saturating_add(1))
        })
    }

    /// Forgets the grants that may do all again.
    pub fn forget_those_at_rest(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// Our clock, as that crate asks for it.
#[derive(Clone)]
struct OurClock(Arc<dyn Clock>);

impl GovernorClock for OurClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = u64::try_from(self.0.now().0).unwrap_or_default();
        Nanos::from(Duration::from_millis(millis))
    }
}
