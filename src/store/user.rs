//! A user as it is kept.

use crate::types::ids::Subject;
use crate::types::secret::Secret;
use crate::types::time::{UnixMillis, UnixSeconds};

/// A person of the directory, or a mark about a subject that a login application vouches for.
#[derive(Clone, Debug)]
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
    /// `None` for a person who cannot sign in with one.
    pub password: Option<PasswordHash>,
    /// Sees and changes every application of the workspace.
    pub administrator: bool,
    /// Counts changes.
    pub revision: u64,
}

impl User {
    /// Whether they may be spoken for with what was granted at `granted_at`.
    #[must_use]
    pub fn stands(&self, granted_at: UnixMillis) -> bool {
        !self.disabled && granted_at > self.not_before
    }
}

/// What is stored of a password.
#[derive(Clone, Debug)]
pub struct PasswordHash {
    /// The data keys whose pepper is in it.
    pub data_key: u8,
    /// The PHC string of argon2id.
    pub phc: Secret,
}
