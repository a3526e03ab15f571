//! What an answer says of the policies that it rests on: since when they are deprecated (RFC 9745), and
//! when they end (RFC 8594).

use crate::store::client::Client;
use crate::types::policy::PolicySet;
use crate::types::time::UnixSeconds;

/// The notice of an answer that would not have been given by the strict core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyNotice {
    /// Which policies it rests on.
    pub policies: PolicySet,
    /// Since when the first of them is on.
    pub since: UnixSeconds,
    /// When the first of them ends; `None` when none does.
    pub ends_at: Option<UnixSeconds>,
}

impl PolicyNotice {
    /// The notice of what was used; `None` for an answer of the strict core.
    #[must_use]
    pub fn of(client: &Client, used: PolicySet) -> Option<Self> {
        if used.is_empty() {
            return None;
        }
        let grants = || client.policies.iter().filter(|grant| used.contains(grant.policy));
        let since = grants().map(|grant| grant.since).min()?;
        Some(Self { policies: used, since, ends_at: grants().filter_map(|grant| grant.expires_at).min() })
    }
}
