//! A user as it is kept.

use crate::types::ids::Subject;
use crate::types::time::{UnixMillis, UnixSeconds};

/// A person of the directory, or a mark about a subject that a login application vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Stands in `sub`.
    pub subject: Subject,
    /// What the person signs in with.
    pub username: String,
    /// Gets nothing, and their tokens are not active.
    pub disabled: bool,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// What was issued for them before is not active.
    pub not_before: UnixMillis,
    /// Whether it is a person of the directory.
    pub in_directory: bool,
    /// Counts changes.
    pub revision: u64,
}
