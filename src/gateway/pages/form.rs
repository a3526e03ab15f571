//! The forms of our own pages: as strictly decoded as a client's request, but each with few fields of
//! its own, some of which repeat.

use std::fmt;

use axum::extract::{FromRequest, Request};
use http::StatusCode;

use crate::gateway::Gateway;
use crate::gateway::error::Refused;
use crate::gateway::form::{decode, read, refuse_parameters_in_url, require_form};
use crate::types::secret::Secret;

/// A workspace has fewer scopes to tick.
const MAX_FIELDS: usize = 500;

/// The fields of one form or query.
///
/// Every value is wrapped as it is decoded, for a person may type a password into any field.
#[derive(Default)]
pub(super) struct Fields {
    values: Vec<(String, Secret)>,
}

impl Fields {
    /// Reads a body or a query.
    ///
    /// # Errors
    /// `invalid_request` for broken escapes, bytes that are not UTF-8, a NUL, or too many fields.
    pub fn parse(encoded: &[u8]) -> Result<Self, Refused> {
        let malformed = || Refused::invalid_request("the form is not well-formed application/x-www-form-urlencoded UTF-8");
        let mut values = Vec::new();
        for pair in encoded.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            if values.len() == MAX_FIELDS {
                return Err(Refused::invalid_request("the form has more than 500 fields"));
            }
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?.into_owned();
            let value = decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?.into_owned();
            values.push((name, Secret::new(value)));
        }
        Ok(Self { values })
    }

    /// Reads a body, within the limits of every body.
    ///
    /// # Errors
    /// `invalid_request` when it is no form, too large, too slow, or its URL carries parameters too.
    pub async fn read(request: Request, gateway: &Gateway) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        refuse_parameters_in_url(parts.uri.query(), None)?;
        require_form(&parts.headers)?;
        let reading = read(&parts.headers, body, gateway.body_bytes);
        match tokio::time::timeout(gateway.body_timeout, reading).await {
            Ok(bytes) => Self::parse(&bytes?),
            Err(_) => Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", "the form did not arrive in time")),
        }
    }

    /// A field that stands once; empty when it was not sent.
    ///
    /// # Errors
    /// `invalid_request` when it was sent twice.
    pub fn one(&self, name: &'static str) -> Result<Secret, Refused> {
        let mut values = self.values.iter().filter(|(sent, _)| sent == name).map(|(_, value)| value);
        let value = values.next().cloned().unwrap_or_default();
        match values.next() {
            None => Ok(value),
            Some(_) => Err(Refused::invalid_request(format!("the field {name} is repeated"))),
        }
    }

    /// A field that stands once and may be shown again.
    ///
    /// # Errors
    /// As [`Fields::one`].
    pub fn text(&self, name: &'static str) -> Result<String, Refused> {
        self.one(name).map(Secret::expose_secret_owned)
    }

    /// The values of the ticked boxes of that name.
    pub fn ticked(&self, name: &'static str) -> Vec<String> {
        let values = self.values.iter().filter(|(sent, _)| sent == name);
        values.map(|(_, value)| value.expose_secret().to_owned()).collect()
    }
}

/// Shows how many fields were sent, and no name: that may be anything.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.values.len())
    }
}

/// The body of a page's request, not yet read: what may be wrong with it is told on a page.
pub(in crate::gateway) struct Unread(pub(super) Request);

impl<S: Send + Sync> FromRequest<S> for Unread {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_repeat_and_single_fields_do_not() {
        let fields = Fields::parse(b"scope=a&scope=b+c&name=x%26y&name2=&csrf=1&csrf=2").unwrap();
        assert_eq!(fields.ticked("scope"), ["a", "b c"]);
        assert_eq!(fields.text("name").unwrap(), "x&y");
        assert_eq!(fields.text("absent").unwrap(), "");
        assert!(fields.text("csrf").is_err());
        assert_eq!(format!("{fields:?}"), "Fields(6)");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for encoded in [&b"a=%"[..], b"a=%zz", b"a=%ff", b"a=\xff", b"%00=a", "a&".repeat(501).as_bytes()] {
            assert!(Fields::parse(encoded).is_err());
        }
    }
}
