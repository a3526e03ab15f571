//! How a refusal leaves over HTTP: the one table, and the headers of every OAuth answer.

use std::borrow::Cow;
use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tracing::info;

use crate::grpc::status::{codes, oauth_error};
use crate::types::error::{ErrorCode, OAuthError};

/// A refusal on its way out.
pub(super) struct Refused {
    /// The answer's status.
    pub status: StatusCode,
    /// The error code, for the client's program.
    pub error: &'static str,
    /// A sentence for the client's developer.
    pub description: Cow<'static, str>,
    /// Where a browser may be sent with this error.
    pub redirect_uri: Option<String>,
    /// Seconds after which a repeat may succeed.
    pub retry_after: Option<u64>,
}

impl Refused {
    /// A refusal that no RFC has a code for, or whose status is not that of its code.
    pub fn new(status: StatusCode, error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error, description: description.into(), redirect_uri: None, retry_after: None }
    }

    /// There is no such path or workspace.
    pub fn not_found(description: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", description)
    }

    /// `invalid_client`, with a sentence about how the credentials were sent, never about who exists.
    pub fn invalid_client(description: &'static str) -> Self {
        OAuthError::new(ErrorCode::InvalidClient, description).into()
    }

    /// `invalid_request`.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        OAuthError::invalid_request(description).into()
    }

    fn of_code(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::from_u16(codes(code).1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, code.as_str(), description)
    }
}

/// When the status says that a repeat may succeed.
fn retry_after(status: &Status) -> Option<u64> {
    let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
    delay.map(|delay| delay.as_secs().max(1))
}

/// What the gateway refuses by itself, before any service could count it.
impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        let outcome = error.code.as_str();
        metrics::counter!("jeton_gateway_refusals_total", "outcome" => outcome).increment(1);
        info!(outcome, reason = %error.description, "refused by the gateway");
        Self { redirect_uri: error.redirect_uri, retry_after: error.retry_after, ..Self::of_code(error.code, error.description) }
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        if let Some(error) = oauth_error(&status)
            && let Some(code) = ErrorCode::from_name(&error.error)
        {
            let redirect_uri = Some(error.redirect_uri).filter(|uri| !uri.is_empty());
            let retry_after = retry_after(&status);
            return Self { redirect_uri, retry_after, ..Self::of_code(code, error.error_description) };
        }
        // A status without our detail is not about OAuth; its message may be about the server.
        match status.code() {
            Code::NotFound => Self::not_found("there is no such workspace"),
            Code::InvalidArgument => Self::invalid_request("the request is malformed"),
            Code::ResourceExhausted => {
                let refused = Self::of_code(ErrorCode::TooManyRequests, "too many requests; try again later");
                Self { retry_after: Some(retry_after(&status).unwrap_or(1)), ..refused }
            }
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => OAuthError::unavailable(status).into(),
            _ => OAuthError::server_error(status).into(),
        }
    }
}

/// The body of every refusal (RFC 6749 section 5.2).
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.error, error_description: &self.sentence() };
        let mut response = json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(r#"Basic realm="jeton", error="invalid_client""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Refused {
    /// The description in the characters that RFC 6749 section 5.2 allows.
    pub fn sentence(&self) -> Cow<'_, str> {
        let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        if self.description.chars().all(allowed) {
            return Cow::Borrowed(&self.description);
        }
        Cow::Owned(self.description.chars().map(|c| if allowed(c) { c } else { '?' }).collect())
    }
}

/// Leaves out `redirect_uri`, which holds the client's state.
impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.error, self.description)
    }
}

/// A JSON answer that no cache keeps (RFC 6749 section 5.1).
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            keep_out_of_caches(response.headers_mut());
            response
        }
        // Cannot happen: only structs of texts and numbers are written.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// No cache keeps this answer; `Pragma` is for those of HTTP/1.0.
pub(super) fn keep_out_of_caches(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic_types::ErrorDetails;

    use super::*;
    use crate::grpc::status::refuse;

    /// RFC 6749 section 5.2: 400 unless the client failed to authenticate.
    #[test]
    fn every_error_code_has_its_status() {
        for &code in ErrorCode::ALL {
            let refused = Refused::from(refuse(OAuthError::new(code, "why")));
            let expected = match code.as_str() {
                "invalid_client" => 401,
                "server_error" => 500,
                "temporarily_unavailable" => 503,
                "too_many_requests" => 429,
                _ => 400,
            };
            assert_eq!((refused.status.as_u16(), refused.error), (expected, code.as_str()));
            assert_eq!(refused.description, "why");
        }
    }

    #[test]
    fn invalid_client_says_how_to_authenticate() {
        let response = Refused::from(refuse(OAuthError::invalid_client())).into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], r#"Basic realm="jeton", error="invalid_client""#);
    }

    #[test]
    fn temporarily_unavailable_says_when_to_come_back() {
        let response = Refused::from(refuse(OAuthError::unavailable("disk"))).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }

    #[test]
    fn a_rate_limit_is_answered_with_its_own_delay() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(7)));
        let status = Status::with_error_details(Code::ResourceExhausted, "slow down", details);
        let response = Refused::from(status).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
    }

    #[test]
    fn a_status_without_our_detail_shows_nothing_of_its_message() {
        for code in [Code::Internal, Code::Unknown, Code::PermissionDenied, Code::Unimplemented] {
            let refused = Refused::from(Status::new(code, "sled: /secret/path"));
            assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!refused.description.contains("sled"));
        }
    }

    #[test]
    fn an_unknown_workspace_is_not_found() {
        assert_eq!(Refused::from(Status::not_found("acme")).status, StatusCode::NOT_FOUND);
    }

    /// RFC 6749 section 5.2: `%x20-21 / %x23-5B / %x5D-7E`.
    #[test]
    fn a_description_keeps_to_the_characters_of_the_standard() {
        let refused = Refused::invalid_request("a \"b\" \\ c\r\né");
        assert_eq!(refused.sentence(), "a ?b? ? c???");
    }

    #[test]
    fn the_redirect_uri_is_carried_over_and_not_shown() {
        let error = OAuthError { redirect_uri: Some("https://app/cb?state=x".into()), ..OAuthError::invalid_scope("no") };
        let refused = Refused::from(refuse(error));
        assert_eq!(refused.redirect_uri.as_deref(), Some("https://app/cb?state=x"));
        assert!(!format!("{refused:?}").contains("state"));
    }
}
