//! Marks on revoked access tokens and on what was used up, as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::types::time::UnixSeconds;

/// A revoked access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedToken {
    /// The token's own end: afterwards the mark says nothing new.
    pub until: UnixSeconds,
}

impl Record for RevokedToken {
    const TREE: &'static str = "revoked_tokens";
    type Message = pb::RevokedToken;

    fn to_message(&self) -> pb::RevokedToken {
        pb::RevokedToken { until: self.until.0 }
    }

    fn from_message(message: pb::RevokedToken) -> Option<Self> {
        Some(Self { until: UnixSeconds(message.until) })
    }
}

/// What was good for one use, and was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedUp {
    /// Its own end: afterwards it is refused anyway.
    pub until: UnixSeconds,
}

impl Record for UsedUp {
    const TREE: &'static str = "single_uses";
    type Message = pb::UsedUp;

    fn to_message(&self) -> pb::UsedUp {
        pb::UsedUp { until: self.until.0 }
    }

    fn from_message(message: pb::UsedUp) -> Option<Self> {
        Some(Self { until: UnixSeconds(message.until) })
    }
}
