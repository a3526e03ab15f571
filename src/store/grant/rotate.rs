//! Rotating a refresh token (RFC 6749 section 6, RFC 9700 section 4.14.2): rotation, retry, reuse.

use crate::store::grant::revoke::revoked;
use crate::store::grant::{Active, Authorization, Grant, Previous, RefreshState, State, Step};
use crate::types::ids::ClientId;
use crate::types::scope::Scope;
use crate::types::secret::SecretDigest;
use crate::types::time::UnixMillis;

/// How often one refresh token may be presented again after its answer was lost.
pub const MAX_RETRIES: u32 = 3;

/// A token request with a refresh token, by a client that has authenticated.
#[derive(Clone, Debug)]
pub struct Rotation<'a> {
    /// Who asks.
    pub client: &'a ClientId,
    /// The presented token's generation: authentic, because the token's MAC was good.
    pub generation: u32,
    /// Digest of the presented token.
    pub presented: SecretDigest,
    /// Digest of the next token.
    pub next: SecretDigest,
    /// The next token, sealed so that only the bearer of the presented one can open it.
    pub sealed_next: &'a [u8],
    /// The `scope` parameter.
    pub scope: Option<&'a Scope>,
    /// How long the presented token may be presented again, in seconds; 0 for never.
    pub retry_window: i64,
    /// The present.
    pub now: UnixMillis,
}

/// What became of it.  All but the first four change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The one caller that gets the next token.
    Rotated(Authorization),
    /// The answer was lost, and the successor is not used yet: here it is again, sealed.
    Retried(Authorization, Vec<u8>),
    /// The token is good and stays the same.
    Stayed(Authorization),
    /// An old token: the grant is revoked now.
    Reused,
    /// The grant had been revoked before.
    Revoked,
    /// There is no such token for this client.
    Missing,
    /// Not used for too long, or the grant is over.
    Expired,
    /// `scope` is wider than what was granted.
    WiderScope,
}

/// The step.  Which token is older is said by the generation, never by a clock.
#[must_use]
pub fn rotate(grant: &Grant, rotation: &Rotation<'_>) -> Step<Rotated> {
    let (active, refresh) = match usable(grant, rotation) {
        Ok(usable) => usable,
        Err(outcome) => return Step::Keep(outcome),
    };
    let now = rotation.now.seconds();
    if rotation.generation == refresh.generation {
        if !refresh.head.matches(&rotation.presented) {
            return Step::Keep(Rotated::Missing);
        }
        let next = with_refresh(grant, active, rotated(refresh, rotation));
        return Step::Swap(Box::new(next), Rotated::Rotated(active.authorization.clone()));
    }
    if rotation.generation > refresh.generation {
        // Authentic, yet newer than the record: the store was rolled back.  Nothing is known of it.
        return Step::Keep(Rotated::Missing);
    }
    if let Some(previous) = retryable(refresh, rotation) {
        let sealed = previous.sealed_successor.clone();
        let counted = Previous { retries: previous.retries.saturating_add(1), ..previous.clone() };
        let next = with_refresh(grant, active, RefreshState { previous: Some(counted), ..refresh.clone() });
        return Step::Swap(Box::new(next), Rotated::Retried(active.authorization.clone(), sealed));
    }
    let ended = revoked(grant, now, "a refresh token was used twice");
    Step::Swap(Box::new(ended), Rotated::Reused)
}

/// The parts of a grant that gives tokens to this client for this scope now, whichever token it shows.
pub(super) fn usable<'a>(grant: &'a Grant, rotation: &Rotation<'_>) -> Result<(&'a Active, &'a RefreshState), Rotated> {
    if grant.client != *rotation.client {
        return Err(Rotated::Missing);
    }
    let active = match &grant.state {
        State::Active(active) => active,
        State::Revoked(_) => return Err(Rotated::Revoked),
        State::Requested(_) | State::Decided(_) | State::CodeIssued(_) => return Err(Rotated::Missing),
    };
    let refresh = active.refresh.as_ref().ok_or(Rotated::Missing)?;
    let now = rotation.now.seconds();
    if now >= active.expires_at || now >= refresh.idle_expires_at {
        return Err(Rotated::Expired);
    }
    if rotation.scope.is_some_and(|scope| !scope.within(&active.authorization.scope)) {
        return Err(Rotated::WiderScope);
    }
    Ok((active, refresh))
}

fn rotated(refresh: &RefreshState, rotation: &Rotation<'_>) -> RefreshState {
    RefreshState {
        generation: refresh.generation.saturating_add(1),
        head: rotation.next,
        idle_expires_at: rotation.now.seconds().plus(refresh.idle_lifetime),
        idle_lifetime: refresh.idle_lifetime,
        previous: Some(Previous {
            digest: rotation.presented,
            sealed_successor: rotation.sealed_next.to_vec(),
            retry_until: rotation.now.plus_seconds(rotation.retry_window),
            retries: 0,
        }),
    }
}

/// The previous token's state, when the presented token is that one, in its window, not too often.
/// The successor is unused, for its use would have made another one the previous.
fn retryable<'a>(refresh: &'a RefreshState, rotation: &Rotation<'_>) -> Option<&'a Previous> {
    let previous = refresh.previous.as_ref()?;
    let good = rotation.generation.checked_add(1) == Some(refresh.generation)
        && previous.digest.matches(&rotation.presented)
        && rotation.now < previous.retry_until
        && previous.retries < MAX_RETRIES;
    good.then_some(previous)
}

pub(super) fn with_refresh(grant: &Grant, active: &Active, refresh: RefreshState) -> Grant {
    Grant {
        client: grant.client.clone(),
        created_at: grant.created_at,
        state: State::Active(Active { refresh: Some(refresh), ..active.clone() }),
    }
}
