//! Why a page's call was refused, and what the person sees of it: a form again, the sign-in, or an
//! error page.

use http::StatusCode;
use tonic::Status;
use tonic_types::StatusExt;

use crate::gateway::error::Refused;
use crate::grpc::status::oauth_error;
use crate::types::error::{ErrorCode, OAuthError};

/// The domain of refusals whose words are made for people to read.
const MANAGEMENT_DOMAIN: &str = "jeton";

/// A visit cannot go on.
pub(in crate::gateway) enum Stop {
    /// Nobody is signed in.
    SignIn,
    /// It ends on the error page, or goes to the client where it may.
    Refused(Refused),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        if code(&status) == Some(ErrorCode::LoginRequired) {
            return Self::SignIn;
        }
        let answer = match reason(&status).as_deref() {
            Some("PERMISSION_DENIED") => Some((StatusCode::FORBIDDEN, "access_denied")),
            Some("NOT_FOUND") => Some((StatusCode::NOT_FOUND, "not_found")),
            Some("ALREADY_EXISTS" | "CHANGED") => Some((StatusCode::CONFLICT, "invalid_request")),
            Some("INVALID_FIELD") => Some((StatusCode::BAD_REQUEST, "invalid_request")),
            _ => None,
        };
        Self::Refused(match answer {
            Some((http, error)) => Refused::new(http, error, status.message().to_owned()),
            None => status.into(),
        })
    }
}

/// The OAuth code of a refusal, if it has one.
pub(super) fn code(status: &Status) -> Option<ErrorCode> {
    oauth_error(status).and_then(|error| ErrorCode::from_name(&error.error))
}

fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().filter(|info| info.domain == MANAGEMENT_DOMAIN).map(|info| info.reason)
}

/// Which field of an application's form a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Its name.
    Name,
    /// Its redirect URIs.
    RedirectUris,
    /// Its scopes.
    Scopes,
    /// None: the whole form.
    Whole,
}

/// What is to be mended in a form.
pub(super) struct Mistake {
    /// The status of the page that shows the form again.
    pub status: StatusCode,
    /// Where.
    pub field: Field,
    /// What.
    pub message: String,
}

impl Mistake {
    /// What a person can mend in the form that they sent.
    ///
    /// # Errors
    /// Every refusal that the form is not to blame for.
    pub fn of(status: Status) -> Result<Self, Stop> {
        let mistake = |status, field, message: &str| Ok(Self { status, field, message: message.to_owned() });
        match (code(&status), reason(&status).as_deref()) {
            (Some(ErrorCode::InvalidRedirectUri), _) => mistake(StatusCode::BAD_REQUEST, Field::RedirectUris, status.message()),
            (Some(ErrorCode::InvalidScope), _) => mistake(StatusCode::BAD_REQUEST, Field::Scopes, status.message()),
            (Some(ErrorCode::InvalidClientMetadata), _) => {
                let (name, why) = status.message().split_once(' ').unwrap_or_default();
                Ok(Self::of_field(name, why, status.message()))
            }
            (None, Some("INVALID_FIELD")) => {
                let violations = status.get_details_bad_request().map(|details| details.field_violations);
                let first = violations.into_iter().flatten().next();
                let (name, why) = first.map(|first| (first.field, first.description)).unwrap_or_default();
                Ok(Self::of_field(&name, &why, status.message()))
            }
            (None, Some("ALREADY_EXISTS")) => mistake(StatusCode::CONFLICT, Field::Whole, status.message()),
            (None, Some("CHANGED")) => mistake(
                StatusCode::CONFLICT,
                Field::Whole,
                "The application was changed elsewhere since you opened this page. Check your changes and save again.",
            ),
            (Some(_) | None, _) => Err(status.into()),
        }
    }

    /// A sentence that begins with the name of the field that it is about.
    fn of_field(name: &str, why: &str, sentence: &str) -> Self {
        // A list may name the element too.
        let name = name.rsplit('.').next().unwrap_or_default();
        let (field, subject) = match name.split('[').next().unwrap_or_default() {
            "name" | "client_name" => (Field::Name, "The name"),
            "redirect_uri" | "redirect_uris" => (Field::RedirectUris, "A redirect URI"),
            "scope" | "scopes" => (Field::Scopes, "The choice of scopes"),
            _ => (Field::Whole, ""),
        };
        let message = if subject.is_empty() { sentence.to_owned() } else { format!("{subject} {why}") };
        Self { status: StatusCode::BAD_REQUEST, field, message }
    }
}
