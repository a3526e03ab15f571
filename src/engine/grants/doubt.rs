//! Redemptions of which nobody knows whether they happened: the store broke before it answered.
//!
//! The client was told to come again and has no tokens.  When it does, with the same request, its redemption is
//! the same one: whoever finds that it happened answers it then, for the first and only time.  Remembered by the
//! replica that was asked; on another one the code is refused, like any that was used.

use quick_cache::sync::Cache;

use crate::keys::opaque::Opaque;
use crate::types::ids::{ClientId, GrantId};
use crate::types::pkce::CodeChallenge;
use crate::types::scope::Scope;
use crate::types::secret::SecretDigest;
use crate::types::time::UnixSeconds;

/// How many are remembered: as many as fit into the seconds of a fail-over.
const REMEMBERED: usize = 4096;
/// How long a client may take to come again, in seconds.
const SECONDS: i64 = 60;

/// Everything that a request to redeem a code says.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks.
    pub client: ClientId,
    /// Digest of the code.
    pub code: SecretDigest,
    /// The `redirect_uri` parameter.
    pub redirect_uri: Option<String>,
    /// The challenge of the `code_verifier` parameter.
    pub challenge: Option<CodeChallenge>,
    /// The `scope` parameter.
    pub scope: Option<Scope>,
}

impl Asked {
    fn matches(&self, other: &Self) -> bool {
        let challenge = match (&self.challenge, &other.challenge) {
            (Some(one), Some(other)) => one.matches(other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        challenge
            && self.code.matches(&other.code)
            && self.client == other.client
            && self.redirect_uri == other.redirect_uri
            && self.scope == other.scope
    }
}

/// What a redemption was made of.
#[derive(Clone)]
pub struct Attempt {
    /// Names it.
    pub id: [u8; 16],
    /// What would be answered.
    pub refresh_token: Option<Opaque>,
    /// The end of the grant.
    pub expires_at: UnixSeconds,
}

/// The redemptions in doubt.
pub struct Doubts(Cache<GrantId, (Asked, Attempt, UnixSeconds)>);

/// A redemption under way: when it is dropped before it was settled, it is in doubt.
pub struct UnderWay<'a> {
    doubts: &'a Doubts,
    grant: GrantId,
    until: UnixSeconds,
    kept: Option<(Asked, Attempt)>,
}

impl Default for Doubts {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Doubts {
    /// The attempt that the same request made before and that is in doubt.  Who takes it is the only one to have it.
    pub fn take(&self, grant: GrantId, asked: &Asked, now: UnixSeconds) -> Option<Attempt> {
        let same = |(before, _, until): &(Asked, Attempt, UnixSeconds)| now < *until && before.matches(asked);
        self.0.remove_if(&grant, same).map(|(_, (_, attempt, _))| attempt)
    }

    /// Forgets those that nobody came again for.
    pub fn forget(&self, now: UnixSeconds) {
        self.0.retain(|_, (_, _, until)| now < *until);
    }

    /// Begins an attempt.
    pub fn begin(&self, grant: GrantId, asked: Asked, attempt: Attempt, now: UnixSeconds) -> UnderWay<'_> {
        UnderWay { doubts: self, grant, until: now.plus(SECONDS), kept: Some((asked, attempt)) }
    }
}

impl UnderWay<'_> {
    /// What became of it is known.
    pub fn settled(mut self) {
        self.kept = None;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some((asked, attempt)) = self.kept.take() {
            self.doubts.0.insert(self.grant, (asked, attempt, self.until));
        }
    }
}
