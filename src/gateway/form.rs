//! Strict decoding of `application/x-www-form-urlencoded` (RFC 6749 appendix B).
//!
//! Two readers of one request must never see two different requests: so a repeated parameter, bytes
//! that are not UTF-8 and broken escapes are refused, where most decoders guess.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::gateway::Gateway;
use crate::gateway::error::Refused;
use crate::types::secret::Secret;

/// The most parameters of a request, so that looking for repeated ones stays cheap.
const MAX_PARAMETERS: usize = 100;

/// Makes the closed enum of parameters from their registered names.
macro_rules! parameters {
    ($($variant:ident = $name:literal,)+) => {
        /// A parameter of the OAuth registry that this server reads, or must not see in a URL.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Parameter { $($variant,)+ }

        impl Parameter {
            /// Every one.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The registered name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The parameter of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

parameters! {
    AccessToken = "access_token",
    ActorToken = "actor_token",
    Assertion = "assertion",
    ClientAssertion = "client_assertion",
    ClientAssertionType = "client_assertion_type",
    ClientId = "client_id",
    ClientSecret = "client_secret",
    Code = "code",
    CodeChallenge = "code_challenge",
    CodeChallengeMethod = "code_challenge_method",
    CodeVerifier = "code_verifier",
    DeviceCode = "device_code",
    GrantType = "grant_type",
    MaxAge = "max_age",
    Password = "password",
    Prompt = "prompt",
    RedirectUri = "redirect_uri",
    RefreshToken = "refresh_token",
    ResponseType = "response_type",
    Scope = "scope",
    State = "state",
    SubjectToken = "subject_token",
    Ticket = "ticket",
    Token = "token",
    TokenTypeHint = "token_type_hint",
    Username = "username",
}

/// The parameters of one request.
///
/// Every value is wrapped as it is decoded, for a client may put a secret under any name.
#[derive(Default)]
pub(super) struct Form {
    values: Vec<(Parameter, Secret)>,
}

impl Form {
    /// Reads a body or a query.
    ///
    /// # Errors
    /// `invalid_request` for a repeated parameter (RFC 6749 section 3.2), broken escapes, bytes that
    /// are not UTF-8, a NUL, or too many parameters.
    pub fn parse(encoded: &[u8]) -> Result<Self, Refused> {
        let malformed = || Refused::invalid_request("the parameters are not well-formed application/x-www-form-urlencoded UTF-8");
        let mut form = Self::default();
        let mut unknown: Vec<Cow<'_, str>> = Vec::new();
        let mut seen: Vec<Parameter> = Vec::new();
        for pair in encoded.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            if seen.len() + unknown.len() == MAX_PARAMETERS {
                return Err(Refused::invalid_request("the request has more than 100 parameters"));
            }
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?;
            let value = Secret::new(decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?.into_owned());
            let Some(parameter) = Parameter::from_name(&name) else {
                // RFC 6749 section 3.2: unknown parameters are ignored, but repeated ones are not.
                if unknown.contains(&name) {
                    return Err(Refused::invalid_request("a parameter that this server does not know is repeated"));
                }
                unknown.push(name);
                continue;
            };
            if seen.contains(&parameter) {
                return Err(Refused::invalid_request(format!("the parameter {} is repeated", parameter.name())));
            }
            seen.push(parameter);
            // RFC 6749 section 3.2: a parameter without a value is as good as none.
            if !value.is_empty() {
                form.values.push((parameter, value));
            }
        }
        Ok(form)
    }

    /// Reads the query of an endpoint that is called with GET.
    ///
    /// # Errors
    /// As [`Form::parse`].
    pub fn from_query(query: Option<&str>) -> Result<Self, Refused> {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    /// Whether the parameter was sent with a value.
    pub fn has(&self, parameter: Parameter) -> bool {
        self.values.iter().any(|(sent, _)| *sent == parameter)
    }

    /// The value, for a message; empty when none was sent.
    pub fn text(&self, parameter: Parameter) -> String {
        let value = self.values.iter().find(|(sent, _)| *sent == parameter);
        value.map(|(_, value)| value.expose_secret().to_owned()).unwrap_or_default()
    }
}

/// Shows which parameters were sent, never their values.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(parameter, _)| parameter.name())).finish()
    }
}

/// A form that was posted, with the headers of its request.
pub(super) struct Posted {
    /// Moved out of the request, not cloned.
    pub headers: HeaderMap,
    /// The body.
    pub form: Form,
}

impl FromRequest<Arc<Gateway>> for Form {
    type Rejection = Refused;

    async fn from_request(request: Request, gateway: &Arc<Gateway>) -> Result<Self, Refused> {
        Posted::from_request(request, gateway).await.map(|posted| posted.form)
    }
}

impl FromRequest<Arc<Gateway>> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, gateway: &Arc<Gateway>) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        refuse_parameters_in_url(parts.uri.query(), None)?;
        Self::read(parts.headers, body, gateway).await
    }
}

impl Posted {
    /// Reads the body of a request whose URL was looked at.
    ///
    /// # Errors
    /// As [`Form::parse`], and when it is no form, too large or too slow.
    pub async fn read(headers: HeaderMap, body: Body, gateway: &Gateway) -> Result<Self, Refused> {
        require_form(&headers)?;
        let reading = read(&headers, body, gateway.body_bytes);
        let Ok(bytes) = tokio::time::timeout(gateway.body_timeout, reading).await else {
            return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", "the body did not arrive in time"));
        };
        Ok(Self { form: Form::parse(&bytes?)?, headers })
    }
}

/// URLs end up in logs and histories, so what belongs into the body must not stand there.
///
/// # Errors
/// `invalid_request` for any known parameter but `except`.
pub(super) fn refuse_parameters_in_url(query: Option<&str>, except: Option<Parameter>) -> Result<(), Refused> {
    // Read leniently: what another decoder would find here must be refused too.
    let names = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).map(|(name, _)| name);
    let mut known = names.filter_map(|name| Parameter::from_name(&name));
    match known.find(|&parameter| Some(parameter) != except) {
        None => Ok(()),
        Some(parameter) => Err(Refused::invalid_request(format!(
            "the parameter {} must be sent in the body of the request, not in its URL",
            parameter.name()
        ))),
    }
}

/// A body is read as a form only when it says that it is one.
pub(super) fn require_form(headers: &HeaderMap) -> Result<(), Refused> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let good = match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
        (Some(only), None) => form_type(only),
        (_, Some(_)) | (None, None) => false,
    };
    if good { Ok(()) } else { Err(Refused::invalid_request("the Content-Type must be application/x-www-form-urlencoded")) }
}

/// Whether a media type is that of a form, in UTF-8 when it names a character set.
fn form_type(media_type: &str) -> bool {
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let (name, value) = parameters.split_once('=').unwrap_or((parameters, ""));
    let charset = name.trim().eq_ignore_ascii_case("charset") && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8");
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") && (charset || parameters.trim().is_empty())
}

/// The whole body, if it keeps to the limit.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Refused> {
    let too_large = || {
        let description = format!("the body of the request is larger than {limit} bytes");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", description)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refused::invalid_request("the body of the request could not be read")),
    }
}

/// Decodes one name or value; `None` when it is not well-formed.
///
/// `form_urlencoded` keeps a broken escape as it stands and replaces bytes that are not UTF-8.
pub(super) fn decode(encoded: &[u8]) -> Option<Cow<'_, str>> {
    if !encoded.iter().any(|byte| matches!(byte, b'+' | b'%' | 0)) {
        return str::from_utf8(encoded).ok().map(Cow::Borrowed);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => (hex_digit(bytes.next()?)? << 4) | hex_digit(bytes.next()?)?,
            other => other,
        };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
