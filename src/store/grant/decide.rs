//! Deciding an authorization request, and releasing its answer to the browser that asked.

use crate::store::grant::revoke::revoked;
use crate::store::grant::{Active, Authorization, AuthorizationRequest, CodeIssued, Decided, Grant, State, Step};
use crate::types::authorization::ResponseType;
use crate::types::error::ErrorCode;
use crate::types::secret::SecretDigest;
use crate::types::time::UnixSeconds;

/// A decision by a trusted caller.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Digest of the handle.
    pub handle: SecretDigest,
    /// `None` to deny.
    pub approved: Option<Authorization>,
    /// What a denial is answered with.
    pub denial: ErrorCode,
    /// Digest of the ticket that the browser's answer will be released by.
    pub ticket: SecretDigest,
    /// Digest of the code, when it is answered at once.
    pub code: SecretDigest,
    /// Digest of the cookie of the browser that decides, when the person decides on our own page.
    pub browser: Option<SecretDigest>,
    /// When the ticket, or the code, ends.
    pub expires_at: UnixSeconds,
    /// When a token that is answered in place of a code ends.
    pub token_expires_at: UnixSeconds,
    /// The present.
    pub now: UnixSeconds,
}

/// What became of a decision.  Handles, tickets and codes are derived from what came before them, so
/// that repeating a call answers the same and issues nothing twice.
#[derive(Clone, Debug)]
pub enum DecisionOutcome {
    /// The browser must come back with its ticket.
    AwaitsBrowser,
    /// The code may be answered at once.
    CodeIssued(AuthorizationRequest),
    /// A token may be answered at once, this once.
    Active(AuthorizationRequest, Authorization),
    /// The refusal may be answered at once.
    Denied(AuthorizationRequest, ErrorCode),
    /// Decided before, and otherwise.
    AlreadyDecided,
    /// There is no such request.
    Missing,
    /// Its time is over.
    Expired,
    /// The granted scope is wider than what was asked.
    WiderScope,
}

/// The step that allows or denies.
#[must_use]
pub fn decide(grant: &Grant, decision: &Decision) -> Step<DecisionOutcome> {
    let requested = match &grant.state {
        State::Requested(requested) => requested,
        State::Decided(_) | State::CodeIssued(_) | State::Active(_) | State::Revoked(_) => {
            return Step::Keep(repeated(grant, decision));
        }
    };
    if !requested.handle.matches(&decision.handle) || elsewhere(&requested.request, decision) {
        return Step::Keep(DecisionOutcome::Missing);
    }
    if decision.now >= requested.expires_at {
        return Step::Keep(DecisionOutcome::Expired);
    }
    let request = requested.request.clone();
    if decision.approved.as_ref().is_some_and(|approved| !approved.scope.within(&request.scope)) {
        return Step::Keep(DecisionOutcome::WiderScope);
    }
    let (state, outcome) = if awaits_browser(&request, decision) {
        let decided = Decided {
            request,
            handle: decision.handle,
            ticket: decision.ticket,
            expires_at: decision.expires_at,
            approved: decision.approved.clone(),
            denial: decision.denial,
        };
        (State::Decided(decided), DecisionOutcome::AwaitsBrowser)
    } else if let Some(authorization) = &decision.approved {
        let answer = Answer {
            code: decision.code,
            released_by: decision.handle,
            expires_at: decision.expires_at,
            token_expires_at: decision.token_expires_at,
        };
        let outcome = match request.response_type {
            ResponseType::Code => DecisionOutcome::CodeIssued(request.clone()),
            ResponseType::Token => DecisionOutcome::Active(request.clone(), authorization.clone()),
        };
        (answered(request, authorization.clone(), &answer), outcome)
    } else {
        let decided = Decided {
            request: request.clone(),
            handle: decision.handle,
            ticket: decision.ticket,
            expires_at: decision.expires_at,
            approved: None,
            denial: decision.denial,
        };
        (State::Decided(decided), DecisionOutcome::Denied(request, decision.denial))
    };
    let next = Grant { client: grant.client.clone(), created_at: grant.created_at, state };
    Step::Swap(Box::new(next), outcome)
}

/// What is answered, and until when it is good.
struct Answer {
    code: SecretDigest,
    released_by: SecretDigest,
    expires_at: UnixSeconds,
    token_expires_at: UnixSeconds,
}

/// The state of a request that is answered: a code is out, or, without one, a token.
fn answered(request: AuthorizationRequest, authorization: Authorization, answer: &Answer) -> State {
    match request.response_type {
        ResponseType::Code => State::CodeIssued(CodeIssued {
            request,
            authorization,
            code: answer.code,
            released_by: Some(answer.released_by),
            expires_at: answer.expires_at,
        }),
        ResponseType::Token => State::Active(Active {
            authorization,
            // Nobody is given this code.
            code: answer.code,
            attempt: [0; 16],
            expires_at: answer.token_expires_at,
            refresh: None,
        }),
    }
}

/// Whether the person decides with another browser than the one that asked.
fn elsewhere(request: &AuthorizationRequest, decision: &Decision) -> bool {
    decision.browser.is_some_and(|deciding| request.browser.is_none_or(|asked| !asked.matches(&deciding)))
}

/// Whether the answer must wait for the browser that asked.
fn awaits_browser(request: &AuthorizationRequest, decision: &Decision) -> bool {
    request.browser.is_some() && decision.browser.is_none()
}

/// What the repetition of a decision is answered.
fn repeated(grant: &Grant, decision: &Decision) -> DecisionOutcome {
    match &grant.state {
        State::Decided(Decided { request, .. }) | State::CodeIssued(CodeIssued { request, .. })
            if elsewhere(request, decision) =>
        {
            DecisionOutcome::Missing
        }
        State::Decided(decided) if decided.handle.matches(&decision.handle) => {
            let same = match (&decided.approved, &decision.approved) {
                (Some(before), Some(now)) => before.subject == now.subject && before.scope == now.scope,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            match (same, awaits_browser(&decided.request, decision), &decided.approved) {
                (true, true, _) => DecisionOutcome::AwaitsBrowser,
                (true, false, None) => DecisionOutcome::Denied(decided.request.clone(), decided.denial),
                // Decided by a login application, and its answer waits to be released.
                (true, false, Some(_)) | (false, _, _) => DecisionOutcome::AlreadyDecided,
            }
        }
        State::CodeIssued(issued) if issued.released_by.is_some_and(|by| by.matches(&decision.handle)) => {
            let same = decision
                .approved
                .as_ref()
                .is_some_and(|now| now.subject == issued.authorization.subject && now.scope == issued.authorization.scope);
            if same { DecisionOutcome::CodeIssued(issued.request.clone()) } else { DecisionOutcome::AlreadyDecided }
        }
        State::Decided(_) | State::Requested(_) => DecisionOutcome::Missing,
        State::CodeIssued(_) | State::Active(_) | State::Revoked(_) => DecisionOutcome::AlreadyDecided,
    }
}

/// A browser that comes back with its ticket.
#[derive(Clone, Debug)]
pub struct Release {
    /// Digest of the ticket.
    pub ticket: SecretDigest,
    /// Digest of the browser's cookie.
    pub browser: SecretDigest,
    /// Digest of the code.
    pub code: SecretDigest,
    /// When the code ends.
    pub expires_at: UnixSeconds,
    /// When a token that is answered in place of a code ends.
    pub token_expires_at: UnixSeconds,
    /// The present.
    pub now: UnixSeconds,
}

/// What the browser is answered.
#[derive(Clone, Debug)]
pub enum Released {
    /// The code.
    Code(AuthorizationRequest),
    /// A token, this once.
    Token(AuthorizationRequest, Authorization),
    /// The refusal.
    Denied(AuthorizationRequest, ErrorCode),
    /// Another browser than the one that asked: the request is over.
    OtherBrowser,
    /// There is no such ticket, or its answer has been used.
    Missing,
    /// Its time is over.
    Expired,
}

/// The step that releases a decided request's answer.
#[must_use]
pub fn release(grant: &Grant, release: &Release) -> Step<Released> {
    let same_browser = |request: &AuthorizationRequest| request.browser.is_some_and(|browser| browser.matches(&release.browser));
    match &grant.state {
        State::Decided(decided) if decided.ticket.matches(&release.ticket) => {
            if release.now >= decided.expires_at {
                return Step::Keep(Released::Expired);
            }
            if !same_browser(&decided.request) {
                let ended = revoked(grant, release.now, "the answer was fetched by another browser than the one that asked");
                return Step::Swap(Box::new(ended), Released::OtherBrowser);
            }
            let Some(authorization) = &decided.approved else {
                return Step::Keep(Released::Denied(decided.request.clone(), decided.denial));
            };
            let answer = Answer {
                code: release.code,
                released_by: release.ticket,
                expires_at: release.expires_at,
                token_expires_at: release.token_expires_at,
            };
            let state = answered(decided.request.clone(), authorization.clone(), &answer);
            let released = match decided.request.response_type {
                ResponseType::Code => Released::Code(decided.request.clone()),
                ResponseType::Token => Released::Token(decided.request.clone(), authorization.clone()),
            };
            let next = Grant { client: grant.client.clone(), created_at: grant.created_at, state };
            Step::Swap(Box::new(next), released)
        }
        State::CodeIssued(issued) if issued.released_by.is_some_and(|by| by.matches(&release.ticket)) => {
            let answer = if same_browser(&issued.request) { Released::Code(issued.request.clone()) } else { Released::Missing };
            Step::Keep(answer)
        }
        State::Requested(_) | State::Decided(_) | State::CodeIssued(_) | State::Active(_) | State::Revoked(_) => {
            Step::Keep(Released::Missing)
        }
    }
}
