//! Compatibility policies and their uses as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::client::PolicyGrant;
use crate::store::codec::Record;
use crate::store::policy_use::PolicyUse;
use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

impl Record for PolicyUse {
    const TREE: &'static str = "policy_uses";
    type Message = pb::PolicyUse;

    fn to_message(&self) -> pb::PolicyUse {
        pb::PolicyUse { policy: self.policy.as_str().to_owned(), count: self.count, last_used_at: self.last_used_at.0 }
    }

    fn from_message(message: pb::PolicyUse) -> Option<Self> {
        Some(Self {
            policy: Policy::from_name(&message.policy)?,
            count: message.count,
            last_used_at: UnixSeconds(message.last_used_at),
        })
    }
}

/// A policy of a client as it is written.
pub fn grant_message(grant: &PolicyGrant) -> pb::PolicyGrant {
    pb::PolicyGrant {
        policy: grant.policy.as_str().to_owned(),
        reason: grant.reason.clone(),
        since: grant.since.0,
        expires_at: grant.expires_at.unwrap_or_default().0,
        with_wildcard_scope: grant.with_wildcard_scope,
    }
}

/// A policy of a client as it was written.
pub fn grant(message: pb::PolicyGrant) -> Option<PolicyGrant> {
    Some(PolicyGrant {
        policy: Policy::from_name(&message.policy)?,
        reason: message.reason,
        since: UnixSeconds(message.since),
        expires_at: (message.expires_at != 0).then_some(UnixSeconds(message.expires_at)),
        with_wildcard_scope: message.with_wildcard_scope,
    })
}
