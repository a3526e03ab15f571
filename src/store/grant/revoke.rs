//! Ending a grant (RFC 7009): the step from any state to revoked.

use crate::store::grant::{Grant, Revoked, State, Step};
use crate::types::time::UnixSeconds;

/// The grant as it stands after its end.
#[must_use]
pub fn revoked(grant: &Grant, now: UnixSeconds, reason: &str) -> Grant {
    let code = match &grant.state {
        State::Active(active) => Some(active.code),
        State::CodeIssued(issued) => Some(issued.code),
        State::Requested(_) | State::Decided(_) => None,
        State::Revoked(revoked) => revoked.code,
    };
    Grant {
        client: grant.client.clone(),
        created_at: grant.created_at,
        state: State::Revoked(Revoked { revoked_at: now, expires_at: grant.expires_at(), reason: reason.to_owned(), code }),
    }
}

/// The step.  Revoking twice is revoking once.
#[must_use]
pub fn revoke(grant: &Grant, now: UnixSeconds, reason: &str) -> Step<()> {
    match grant.state {
        State::Revoked(_) => Step::Keep(()),
        State::Requested(_) | State::Decided(_) | State::CodeIssued(_) | State::Active(_) => {
            Step::Swap(Box::new(revoked(grant, now, reason)), ())
        }
    }
}
