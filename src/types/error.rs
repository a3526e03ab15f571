//! Why a request is refused: one closed set of codes, a sentence for the developer, a cause for the log.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::types::entropy::NoEntropy;
use crate::types::ids::{ClientId, WorkspaceName};

/// The error codes of the RFCs.  How each travels stands in the one table of `grpc/status.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749 section 5.2: malformed.
    InvalidRequest,
    /// RFC 6749 section 5.2: the client did not authenticate.
    InvalidClient,
    /// RFC 6749 section 5.2: the code or refresh token is not good for this client.
    InvalidGrant,
    /// RFC 6749 section 5.2: the client may not use this grant type.
    UnauthorizedClient,
    /// RFC 6749 section 5.2.
    UnsupportedGrantType,
    /// RFC 6749 section 5.2: unknown, malformed or wider than granted.
    InvalidScope,
    /// RFC 6749 section 4.1.2.1: the person said no.
    AccessDenied,
    /// OpenID Connect Core 1.0 section 3.1.2.6: the person must sign in, and may not be asked.
    LoginRequired,
    /// OpenID Connect Core 1.0 section 3.1.2.6: the person must consent, and may not be asked.
    ConsentRequired,
    /// OpenID Connect Core 1.0 section 3.1.2.6: the person must do something, and may not be asked.
    InteractionRequired,
    /// RFC 6749 section 4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 section 4.1.2.1: a fault of the server.
    ServerError,
    /// RFC 6749 section 4.1.2.1: try again later.
    TemporarilyUnavailable,
    /// RFC 6585 section 4: too many attempts; no RFC of OAuth has a code for it at these endpoints.
    TooManyRequests,
    /// RFC 7591 section 3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata,
}

impl ErrorCode {
    /// Every code, in the order of their RFCs.
    pub const ALL: &[Self] = &[
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::InteractionRequired,
        Self::UnsupportedResponseType,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::TooManyRequests,
        Self::InvalidRedirectUri,
        Self::InvalidClientMetadata,
    ];

    /// The registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::TooManyRequests => "too_many_requests",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
        }
    }

    /// The code of a registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal.
#[derive(Debug)]
pub struct OAuthError {
    /// What the client is told, for its program.
    pub code: ErrorCode,
    /// What the client is told, for its developer: names a parameter, never a value.
    pub description: Cow<'static, str>,
    /// Where the browser may be sent with this error (RFC 6749 section 4.1.2.1).
    pub redirect_uri: Option<String>,
    /// Seconds after which a repeat may succeed.
    pub retry_after: Option<u64>,
    /// For the log only.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
    /// Whom it was about, for the log only.
    pub about: Option<Box<About>>,
}

/// Whom a refusal was about: only names that were made here, so that no caller writes into the log.
#[derive(Debug)]
pub struct About {
    /// The workspace that was named, when it exists.
    pub workspace: Option<WorkspaceName>,
    /// The client that was claimed.
    pub client: Option<ClientId>,
}

impl OAuthError {
    /// A refusal with a sentence.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: description.into(), redirect_uri: None, retry_after: None, cause: None, about: None }
    }

    /// `invalid_request`.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_client`: always the same sentence, so that nobody learns which clients exist.
    #[must_use]
    pub fn invalid_client() -> Self {
        Self::new(ErrorCode::InvalidClient, "client authentication failed: check client_id, client_secret and how they are sent")
    }

    /// `invalid_grant`.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    /// `invalid_scope`.
    pub fn invalid_scope(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidScope, description)
    }

    /// `server_error`, with the cause for the log.
    pub fn server_error(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(ErrorCode::ServerError, "the server met a fault that its operator must look at")
        }
    }

    /// `temporarily_unavailable`, with the cause for the log.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            retry_after: Some(1),
            ..Self::new(ErrorCode::TemporarilyUnavailable, "the service cannot make changes durable at present; try again later")
        }
    }
}

impl OAuthError {
    /// `too_many_requests`, and when to come back.
    #[must_use]
    pub fn too_many_requests(seconds: u64) -> Self {
        let description = format!("too many attempts: try again in {seconds} seconds");
        Self { retry_after: Some(seconds), ..Self::new(ErrorCode::TooManyRequests, description) }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.description)
    }
}

impl Error for OAuthError {}

impl From<NoEntropy> for OAuthError {
    fn from(cause: NoEntropy) -> Self {
        Self::unavailable(cause)
    }
}

/// Why a management call is refused.
#[derive(Debug)]
pub enum Refusal {
    /// No credential, or a wrong one.
    Unauthenticated,
    /// A good credential that does not allow this.
    PermissionDenied(&'static str),
    /// There is no such thing.
    NotFound(&'static str),
    /// There is one already.
    AlreadyExists(&'static str),
    /// It changed since it was read.
    Changed(&'static str),
    /// A field is not right: its name, and why.
    InvalidField(&'static str, Cow<'static, str>),
    /// As at the OAuth endpoints.
    OAuth(OAuthError),
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<NoEntropy> for Refusal {
    fn from(cause: NoEntropy) -> Self {
        Self::OAuth(cause.into())
    }
}
