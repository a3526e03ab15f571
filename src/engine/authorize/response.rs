//! Authorization responses (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207): the URIs that browsers
//! are sent to.

use url::form_urlencoded::Serializer;

use crate::types::error::{ErrorCode, OAuthError};
use crate::types::redirect_uri::RedirectUri;

/// Where an answer goes, and what every answer carries.
#[derive(Clone, Copy, Debug)]
pub struct ResponseTarget<'a> {
    /// The client's redirect URI, already found to be one of its own.
    pub redirect_uri: &'a str,
    /// Returned unchanged.
    pub state: Option<&'a str>,
    /// RFC 9207 section 2.
    pub issuer: &'a str,
}

impl<'a> ResponseTarget<'a> {
    /// The target of a request.
    #[must_use]
    pub fn new(redirect_uri: &'a RedirectUri, state: Option<&'a str>, issuer: &'a str) -> Self {
        Self { redirect_uri: redirect_uri.as_str(), state, issuer }
    }

    /// The redirect URI with a code.
    #[must_use]
    pub fn code(&self, code: &str) -> String {
        self.with(&[("code", code)])
    }

    /// The redirect URI with an error.
    #[must_use]
    pub fn error(&self, code: ErrorCode, description: &str) -> String {
        self.with(&[("error", code.as_str()), ("error_description", description)])
    }

    /// The error, allowed to travel by redirect.
    #[must_use]
    pub fn refuse(&self, error: OAuthError) -> OAuthError {
        OAuthError { redirect_uri: Some(self.error(error.code, &error.description)), ..error }
    }

    fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", self.issuer);
        // RFC 6749 section 3.1.2: a query that the redirect URI has is kept.
        let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.redirect_uri, query.finish())
    }
}
