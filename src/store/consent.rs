//! A consent as it is kept.

use crate::types::ids::{ClientId, Subject};
use crate::types::scope::Scope;
use crate::types::time::{UnixMillis, UnixSeconds};

/// What a person allowed a client, or that it was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub subject: Subject,
    /// Whom.
    pub client: ClientId,
    /// What; empty once it is withdrawn.
    pub scope: Scope,
    /// When it was last given.
    pub granted_at: UnixSeconds,
    /// Grants that were made before are not good: the moment of the last withdrawal.
    pub not_before: UnixMillis,
    /// Counts changes.
    pub revision: u64,
}
