//! A session as it is kept: a person who signed in with a browser.

use crate::types::ids::Subject;
use crate::types::secret::SecretDigest;
use crate::types::time::{UnixMillis, UnixSeconds};

/// A sign-in that lasts.  It never changes: a new sign-in is a new session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who signed in.
    pub subject: Subject,
    /// When: `auth_time`, to the millisecond.
    pub signed_in_at: UnixMillis,
    /// Digest of the cookie's value.
    pub token: SecretDigest,
    /// When it ends.
    pub expires_at: UnixSeconds,
}
