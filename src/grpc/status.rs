//! How a refusal travels: the one table of error codes, for gRPC and for HTTP.

use std::time::Duration;

use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb};

use crate::pb::v1;
use crate::types::error::{ErrorCode, OAuthError, Refusal};

/// The domain of `google.rpc.ErrorInfo` on every OAuth refusal.
const OAUTH_DOMAIN: &str = "oauth";
/// The domain of `google.rpc.ErrorInfo` on refusals of management calls.
const MANAGEMENT_DOMAIN: &str = "jeton";
/// The type of our own detail, as `google.protobuf.Any` names it.
const OAUTH_ERROR_TYPE: &str = "type.googleapis.com/jeton.v1.OAuthError";
/// The codes that an error code travels under: gRPC, and HTTP at the endpoints of RFC 6749 section 5.2.
///
/// Never `PERMISSION_DENIED` or `UNIMPLEMENTED`: meshes count those as failures of the server.
#[must_use]
pub fn codes(code: ErrorCode) -> (Code, u16) {
    match code {
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidScope
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::UnsupportedResponseType
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidClientMetadata => (Code::InvalidArgument, 400),
        ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::AccessDenied
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::InteractionRequired => (Code::FailedPrecondition, 400),
        ErrorCode::TooManyRequests => (Code::ResourceExhausted, 429),
        ErrorCode::InvalidClient => (Code::Unauthenticated, 401),
        ErrorCode::ServerError => (Code::Internal, 500),
        ErrorCode::TemporarilyUnavailable => (Code::Unavailable, 503),
    }
}

/// The status of an OAuth refusal, with `google.rpc.ErrorInfo` and `jeton.v1.OAuthError` as details.
#[must_use]
pub fn refuse(error: OAuthError) -> Status {
    let (code, _) = codes(error.code);
    let message = error.description.into_owned();
    let mut details = ErrorDetails::with_error_info(error.code.as_str().to_ascii_uppercase(), OAUTH_DOMAIN, []);
    if let Some(seconds) = error.retry_after {
        details.set_retry_info(Some(Duration::from_secs(seconds)));
    }
    let standard = Status::with_error_details(code, message.clone(), details);
    let mut packed = pb::Status::decode(standard.details()).unwrap_or_default();
    let oauth = v1::OAuthError {
        error: error.code.as_str().to_owned(),
        error_description: message.clone(),
        redirect_uri: error.redirect_uri.unwrap_or_default(),
    };
    packed.details.push(Any { type_url: OAUTH_ERROR_TYPE.to_owned(), value: oauth.encode_to_vec() });
    Status::with_details(code, message, packed.encode_to_vec().into())
}

/// The status of a refused management call.
#[must_use]
pub fn refuse_management(refusal: Refusal) -> Status {
    let (code, reason, message) = match refusal {
        Refusal::OAuth(error) => return refuse(error),
        Refusal::InvalidField(field, why) => {
            let message = format!("{field} {why}");
            let mut details = ErrorDetails::with_error_info("INVALID_FIELD", MANAGEMENT_DOMAIN, []);
            details.add_bad_request_violation(field, why);
            return Status::with_error_details(Code::InvalidArgument, message, details);
        }
        Refusal::Unauthenticated => (
            Code::Unauthenticated,
            "UNAUTHENTICATED",
            "the call needs `authorization` metadata: `Bearer` and the admin token, or `Basic` and a permitted client's id and secret",
        ),
        Refusal::PermissionDenied(why) => (Code::PermissionDenied, "PERMISSION_DENIED", why),
        Refusal::NotFound(what) => (Code::NotFound, "NOT_FOUND", what),
        Refusal::AlreadyExists(what) => (Code::AlreadyExists, "ALREADY_EXISTS", what),
        Refusal::Changed(what) => (Code::Aborted, "CHANGED", what),
    };
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, MANAGEMENT_DOMAIN, []))
}

/// The OAuth refusal that a status carries, if it is one.
#[must_use]
pub fn oauth_error(status: &Status) -> Option<v1::OAuthError> {
    let packed = pb::Status::decode(status.details()).ok()?;
    let detail = packed.details.iter().find(|detail| detail.type_url == OAUTH_ERROR_TYPE)?;
    v1::OAuthError::decode(detail.value.as_slice()).ok()
}
