//! How often a client used a compatibility policy, as it is kept.

use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

/// The uses of one policy by one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyUse {
    /// Which.
    pub policy: Policy,
    /// How often.
    pub count: u64,
    /// When last.
    pub last_used_at: UnixSeconds,
}
