//! Marks on revoked access tokens as they are written.

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
