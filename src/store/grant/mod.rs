//! A grant as it is kept: one record from the authorization request to the last refresh, so that
//! every step is one compare-and-swap and no two of them can race.
//!
//! The steps are pure functions from a record to the next one, one file each.  [`transition`] runs
//! one against the store.

use crate::store::{Store, StoreError, Version, Versioned};
use crate::types::authorization::{Prompt, ResponseType};
use crate::types::error::ErrorCode;
use crate::types::ids::{ClientId, GrantId, Subject, WorkspaceId};
use crate::types::lifetime::MAX_ACCESS_TOKEN_LIFETIME;
use crate::types::pkce::CodeChallenge;
use crate::types::redirect_uri::RedirectUri;
use crate::types::scope::Scope;
use crate::types::secret::SecretDigest;
use crate::types::time::{UnixMillis, UnixSeconds};

pub mod decide;
pub mod redeem;
pub mod revoke;
pub mod rotate;
pub mod stay;

/// A grant in one of its states.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The client it belongs to.
    pub client: ClientId,
    /// When it was made.
    pub created_at: UnixMillis,
    /// How far it has come.
    pub state: State,
}

/// How far a grant has come.
#[derive(Clone, Debug)]
pub enum State {
    /// An authorization request that waits for a decision.
    Requested(Requested),
    /// Decided, and waiting for its browser.
    Decided(Decided),
    /// A code is out.
    CodeIssued(CodeIssued),
    /// Redeemed.
    Active(Active),
    /// Ended.
    Revoked(Revoked),
}

/// What was asked at the authorization endpoint (RFC 6749 section 4.1.1).
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// What is asked for.
    pub response_type: ResponseType,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// Whether the request named it, so that the token request must name it too.
    pub redirect_uri_sent: bool,
    /// What was asked for.
    pub scope: Scope,
    /// Returned unchanged.
    pub state: Option<String>,
    /// RFC 7636.
    pub code_challenge: Option<CodeChallenge>,
    /// Digest of the cookie of the browser that asked; `None` for a request over gRPC.
    pub browser: Option<SecretDigest>,
    /// What the person must be asked.
    pub prompt: Vec<Prompt>,
    /// How many seconds ago the person may have signed in.
    pub max_age: Option<i64>,
}

/// Waits for a decision.
#[derive(Clone, Debug)]
pub struct Requested {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// Digest of the handle.
    pub handle: SecretDigest,
    /// When the handle ends.
    pub expires_at: UnixSeconds,
}

/// Waits for its browser.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// Digest of the handle that decided it, so that the same decision can be repeated.
    pub handle: SecretDigest,
    /// Digest of the ticket that releases the answer.
    pub ticket: SecretDigest,
    /// When the ticket ends.
    pub expires_at: UnixSeconds,
    /// `None` when it was denied.
    pub approved: Option<Authorization>,
    /// What a denial is answered with.
    pub denial: ErrorCode,
}

/// Who allowed what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Stands in `sub`.
    pub subject: Subject,
    /// What was granted.
    pub scope: Scope,
    /// When the person signed in; `None` when the subject is the client itself.
    pub auth_time: Option<UnixSeconds>,
}

/// A code is out.
#[derive(Clone, Debug)]
pub struct CodeIssued {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// Who allowed what.
    pub authorization: Authorization,
    /// Digest of the code.
    pub code: SecretDigest,
    /// Digest of the handle or ticket that released the code, so that a repetition gets the same.
    pub released_by: Option<SecretDigest>,
    /// When the code ends.
    pub expires_at: UnixSeconds,
}

/// Redeemed.
#[derive(Clone, Debug)]
pub struct Active {
    /// Who allowed what.
    pub authorization: Authorization,
    /// Digest of the code, so that a replay is told from garbage.
    pub code: SecretDigest,
    /// Names the redemption: its repetition after a lost connection is no second one.
    pub attempt: [u8; 16],
    /// The end of the grant, refresh token or not.
    pub expires_at: UnixSeconds,
    /// `None` when no refresh token was issued.
    pub refresh: Option<RefreshState>,
}

/// The refresh tokens of a grant.
#[derive(Clone, Debug)]
pub struct RefreshState {
    /// Counts rotations, so that no clock decides what is older.
    pub generation: u32,
    /// Digest of the newest token.
    pub head: SecretDigest,
    /// When the newest token ends if it is not used.
    pub idle_expires_at: UnixSeconds,
    /// How far each use moves that end, in seconds.
    pub idle_lifetime: i64,
    /// The token before.
    pub previous: Option<Previous>,
}

/// The refresh token before the newest.
#[derive(Clone, Debug)]
pub struct Previous {
    /// Digest of it.
    pub digest: SecretDigest,
    /// The newest token, sealed so that only the bearer of this one can open it.
    pub sealed_successor: Vec<u8>,
    /// The end of the retry window.
    pub retry_until: UnixMillis,
    /// How often it was used.
    pub retries: u32,
}

/// Ended.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// When.
    pub revoked_at: UnixSeconds,
    /// When the record may go: nothing of the grant is good by itself any longer.
    pub expires_at: UnixSeconds,
    /// Why, for the log.
    pub reason: String,
    /// Digest of the code, when one had been issued.
    pub code: Option<SecretDigest>,
}

impl Grant {
    /// When nothing of the grant can be good any longer, so that its record may be swept.
    #[must_use]
    pub fn expires_at(&self) -> UnixSeconds {
        match &self.state {
            State::Requested(requested) => requested.expires_at,
            State::Decided(decided) => decided.expires_at,
            State::CodeIssued(issued) => issued.expires_at,
            State::Active(active) => match &active.refresh {
                // The newest access token may outlive an unused refresh token.
                Some(refresh) => active.expires_at.min(refresh.idle_expires_at.plus(MAX_ACCESS_TOKEN_LIFETIME)),
                None => active.expires_at,
            },
            State::Revoked(revoked) => revoked.expires_at,
        }
    }
}

/// What a step decided on the record it was shown.
pub enum Step<T> {
    /// Leave the record as it is.
    Keep(T),
    /// Replace it, if it is still that.
    Swap(Box<Grant>, T),
}

/// Runs a step against a record that was loaded, again on the newer record when another caller was
/// faster, until its replacement is durable.  The outcome is `None` when the record is gone.
///
/// # Errors
/// Those of the store; then it is not known whether the replacement happened.
pub async fn transition<T>(
    store: &dyn Store,
    workspace: WorkspaceId,
    id: GrantId,
    mut loaded: Versioned<Grant>,
    mut step: impl FnMut(&Grant) -> Step<T> + Send,
) -> Result<Option<T>, StoreError> {
    loop {
        let (next, outcome) = match step(&loaded.record) {
            Step::Keep(outcome) => return Ok(Some(outcome)),
            Step::Swap(next, outcome) => (next, outcome),
        };
        let version: &Version = &loaded.version;
        if store.swap_grant(workspace, id, version, &next).await? {
            return Ok(Some(outcome));
        }
        match store.grant(workspace, id).await? {
            Some(newer) => loaded = newer,
            None => return Ok(None),
        }
    }
}
