//! Grants as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::store::codec::field::{digest, digest_bytes, optional_digest};
use crate::store::grant::{
    Active, Authorization, AuthorizationRequest, CodeIssued, Decided, Grant, Previous, RefreshState, Requested, Revoked, State,
};
use crate::types::authorization::{Prompt, ResponseType};
use crate::types::error::ErrorCode;
use crate::types::ids::{ClientId, Subject};
use crate::types::pkce::CodeChallenge;
use crate::types::redirect_uri::RedirectUri;
use crate::types::scope::Scope;
use crate::types::time::{UnixMillis, UnixSeconds};

impl Record for Grant {
    const TREE: &'static str = "grants";
    type Message = pb::Grant;

    fn to_message(&self) -> pb::Grant {
        let state = match &self.state {
            State::Requested(requested) => pb::grant::State::Requested(pb::Requested {
                request: Some(request_message(&requested.request)),
                handle: requested.handle.0.to_vec(),
                expires_at: requested.expires_at.0,
            }),
            State::Decided(decided) => pb::grant::State::Decided(pb::Decided {
                request: Some(request_message(&decided.request)),
                handle: decided.handle.0.to_vec(),
                ticket: decided.ticket.0.to_vec(),
                expires_at: decided.expires_at.0,
                approved: decided.approved.as_ref().map(authorization_message),
                denial: decided.denial.as_str().to_owned(),
            }),
            State::CodeIssued(issued) => pb::grant::State::CodeIssued(pb::CodeIssued {
                request: Some(request_message(&issued.request)),
                authorization: Some(authorization_message(&issued.authorization)),
                code: issued.code.0.to_vec(),
                released_by: digest_bytes(issued.released_by),
                expires_at: issued.expires_at.0,
            }),
            State::Active(active) => pb::grant::State::Active(pb::Active {
                authorization: Some(authorization_message(&active.authorization)),
                code: active.code.0.to_vec(),
                attempt: active.attempt.to_vec(),
                expires_at: active.expires_at.0,
                refresh: active.refresh.as_ref().map(refresh_message),
            }),
            State::Revoked(revoked) => pb::grant::State::Revoked(pb::Revoked {
                revoked_at: revoked.revoked_at.0,
                expires_at: revoked.expires_at.0,
                reason: revoked.reason.clone(),
                code: digest_bytes(revoked.code),
            }),
        };
        pb::Grant { client_id: self.client.as_str().to_owned(), created_at_ms: self.created_at.0, state: Some(state) }
    }

    fn from_message(message: pb::Grant) -> Option<Self> {
        let state = match message.state? {
            pb::grant::State::Requested(requested) => State::Requested(Requested {
                request: request(requested.request?)?,
                handle: digest(&requested.handle)?,
                expires_at: UnixSeconds(requested.expires_at),
            }),
            pb::grant::State::Decided(decided) => State::Decided(Decided {
                request: request(decided.request?)?,
                handle: digest(&decided.handle)?,
                ticket: digest(&decided.ticket)?,
                expires_at: UnixSeconds(decided.expires_at),
                denial: match decided.denial.as_str() {
                    "" => ErrorCode::AccessDenied,
                    name => ErrorCode::from_name(name)?,
                },
                approved: match decided.approved {
                    Some(approved) => Some(authorization(&approved)?),
                    None => None,
                },
            }),
            pb::grant::State::CodeIssued(issued) => State::CodeIssued(CodeIssued {
                request: request(issued.request?)?,
                authorization: authorization(&issued.authorization?)?,
                code: digest(&issued.code)?,
                released_by: optional_digest(&issued.released_by)?,
                expires_at: UnixSeconds(issued.expires_at),
            }),
            pb::grant::State::Active(active) => State::Active(Active {
                authorization: authorization(&active.authorization?)?,
                code: digest(&active.code)?,
                attempt: active.attempt.try_into().ok()?,
                expires_at: UnixSeconds(active.expires_at),
                refresh: match active.refresh {
                    Some(state) => Some(refresh(state)?),
                    None => None,
                },
            }),
            pb::grant::State::Revoked(revoked) => State::Revoked(Revoked {
                revoked_at: UnixSeconds(revoked.revoked_at),
                expires_at: UnixSeconds(revoked.expires_at),
                reason: revoked.reason,
                code: optional_digest(&revoked.code)?,
            }),
        };
        Some(Self { client: ClientId::parse(&message.client_id).ok()?, created_at: UnixMillis(message.created_at_ms), state })
    }
}

fn request_message(request: &AuthorizationRequest) -> pb::AuthorizationRequest {
    pb::AuthorizationRequest {
        redirect_uri: request.redirect_uri.as_str().to_owned(),
        redirect_uri_sent: request.redirect_uri_sent,
        scope: request.scope.as_str().to_owned(),
        has_state: request.state.is_some(),
        state: request.state.clone().unwrap_or_default(),
        code_challenge: request.code_challenge.map(|challenge| challenge.0.to_vec()).unwrap_or_default(),
        browser: digest_bytes(request.browser),
        response_type: match request.response_type {
            // As it was before there was another.
            ResponseType::Code => String::new(),
            ResponseType::Token => request.response_type.as_str().to_owned(),
        },
        prompt: request.prompt.iter().map(|prompt| prompt.as_str().to_owned()).collect(),
        has_max_age: request.max_age.is_some(),
        max_age: request.max_age.unwrap_or_default(),
    }
}

fn request(message: pb::AuthorizationRequest) -> Option<AuthorizationRequest> {
    Some(AuthorizationRequest {
        redirect_uri: RedirectUri::from_stored(message.redirect_uri),
        redirect_uri_sent: message.redirect_uri_sent,
        scope: Scope::parse(&message.scope).ok()?,
        state: message.has_state.then_some(message.state),
        code_challenge: match message.code_challenge.as_slice() {
            [] => None,
            bytes => Some(CodeChallenge(bytes.try_into().ok()?)),
        },
        browser: optional_digest(&message.browser)?,
        response_type: match message.response_type.as_str() {
            "" => ResponseType::Code,
            name => ResponseType::from_name(name)?,
        },
        prompt: message.prompt.iter().map(|name| Prompt::from_name(name)).collect::<Option<_>>()?,
        max_age: message.has_max_age.then_some(message.max_age),
    })
}

fn authorization_message(authorization: &Authorization) -> pb::Authorization {
    pb::Authorization {
        subject: authorization.subject.as_str().to_owned(),
        scope: authorization.scope.as_str().to_owned(),
        auth_time: authorization.auth_time.unwrap_or_default().0,
    }
}

fn authorization(message: &pb::Authorization) -> Option<Authorization> {
    Some(Authorization {
        subject: Subject::parse(&message.subject).ok()?,
        scope: Scope::parse(&message.scope).ok()?,
        auth_time: (message.auth_time != 0).then_some(UnixSeconds(message.auth_time)),
    })
}

fn refresh_message(refresh: &RefreshState) -> pb::RefreshState {
    pb::RefreshState {
        generation: refresh.generation,
        head: refresh.head.0.to_vec(),
        idle_expires_at: refresh.idle_expires_at.0,
        idle_lifetime: refresh.idle_lifetime,
        previous: refresh.previous.as_ref().map(|previous| pb::PreviousRefreshToken {
            digest: previous.digest.0.to_vec(),
            sealed_successor: previous.sealed_successor.clone(),
            retry_until_ms: previous.retry_until.0,
            retries: previous.retries,
        }),
    }
}

fn refresh(message: pb::RefreshState) -> Option<RefreshState> {
    let previous = match message.previous {
        Some(previous) => Some(Previous {
            digest: digest(&previous.digest)?,
            sealed_successor: previous.sealed_successor,
            retry_until: UnixMillis(previous.retry_until_ms),
            retries: previous.retries,
        }),
        None => None,
    };
    Some(RefreshState {
        generation: message.generation,
        head: digest(&message.head)?,
        idle_expires_at: UnixSeconds(message.idle_expires_at),
        idle_lifetime: message.idle_lifetime,
        previous,
    })
}
