//! Redeeming a code (RFC 6749 section 4.1.3): the step from code issued to active.

use crate::store::grant::revoke::revoked;
use crate::store::grant::{Active, Authorization, AuthorizationRequest, Grant, RefreshState, State, Step};
use crate::types::ids::ClientId;
use crate::types::pkce::CodeChallenge;
use crate::types::scope::Scope;
use crate::types::secret::SecretDigest;
use crate::types::time::UnixSeconds;

/// A token request with a code, by a client that has authenticated.
#[derive(Clone, Debug)]
pub struct Redemption<'a> {
    /// Who asks.
    pub client: &'a ClientId,
    /// Digest of the code.
    pub code: SecretDigest,
    /// The `redirect_uri` parameter.
    pub redirect_uri: Option<&'a str>,
    /// The challenge of the `code_verifier` parameter.
    pub challenge: Option<CodeChallenge>,
    /// The `scope` parameter.
    pub scope: Option<&'a Scope>,
    /// Names this redemption.
    pub attempt: [u8; 16],
    /// The first refresh token's state, when one is issued.
    pub refresh: Option<&'a RefreshState>,
    /// The end of the grant.
    pub expires_at: UnixSeconds,
    /// The present.
    pub now: UnixSeconds,
}

/// What became of it.  All but `First` and `Replayed` change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The one caller that gets tokens.
    First(Authorization),
    /// The code was used before: everything that came of it is revoked now.
    Replayed,
    /// There is no such code for this client.
    Missing,
    /// Its time is over.
    Expired,
    /// `redirect_uri` is not that of the authorization request.
    RedirectUriDiffers,
    /// `code_verifier` is missing, wrong, or was sent without a challenge.
    VerifierDiffers,
    /// `scope` is wider than what was granted.
    WiderScope,
}

/// The step: checks every binding on the record it is shown, so that a failed check uses nothing up.
#[must_use]
pub fn redeem(grant: &Grant, redemption: &Redemption<'_>) -> Step<Redeemed> {
    if grant.client != *redemption.client {
        return Step::Keep(Redeemed::Missing);
    }
    let issued = match &grant.state {
        State::CodeIssued(issued) => issued,
        State::Active(active) if active.code.matches(&redemption.code) => {
            if active.attempt == redemption.attempt {
                return Step::Keep(Redeemed::First(active.authorization.clone()));
            }
            let ended = revoked(grant, redemption.now, "the authorization code was used twice");
            return Step::Swap(Box::new(ended), Redeemed::Replayed);
        }
        State::Revoked(revoked) if revoked.code.is_some_and(|code| code.matches(&redemption.code)) => {
            return Step::Keep(Redeemed::Replayed);
        }
        State::Active(_) | State::Revoked(_) | State::Requested(_) | State::Decided(_) => {
            return Step::Keep(Redeemed::Missing);
        }
    };
    if !issued.code.matches(&redemption.code) {
        return Step::Keep(Redeemed::Missing);
    }
    if redemption.now >= issued.expires_at {
        return Step::Keep(Redeemed::Expired);
    }
    if !redirect_uri_matches(&issued.request, redemption.redirect_uri) {
        return Step::Keep(Redeemed::RedirectUriDiffers);
    }
    if !verifier_matches(&issued.request, redemption.challenge) {
        return Step::Keep(Redeemed::VerifierDiffers);
    }
    if redemption.scope.is_some_and(|scope| !scope.within(&issued.authorization.scope)) {
        return Step::Keep(Redeemed::WiderScope);
    }
    let next = Grant {
        client: grant.client.clone(),
        created_at: grant.created_at,
        state: State::Active(Active {
            authorization: issued.authorization.clone(),
            code: issued.code,
            attempt: redemption.attempt,
            expires_at: redemption.expires_at,
            refresh: redemption.refresh.cloned(),
        }),
    };
    Step::Swap(Box::new(next), Redeemed::First(issued.authorization.clone()))
}

/// RFC 6749 section 4.1.3: required and equal when the authorization request had it; when it had
/// none, the registered one may be named all the same.
fn redirect_uri_matches(request: &AuthorizationRequest, presented: Option<&str>) -> bool {
    match presented {
        Some(presented) => presented == request.redirect_uri.as_str(),
        None => !request.redirect_uri_sent,
    }
}

/// RFC 9700 section 2.1.1: a verifier if and only if there was a challenge.
fn verifier_matches(request: &AuthorizationRequest, presented: Option<CodeChallenge>) -> bool {
    match (&request.code_challenge, presented) {
        (Some(challenge), Some(presented)) => challenge.matches(&presented),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
