//! Authorization responses (RFC 6749 sections 4.1.2, 4.1.2.1 and 4.2.2, RFC 9207): the URIs that
//! browsers are sent to.

use url::form_urlencoded::Serializer;

use crate::engine::mint::Tokens;
use crate::store::grant::AuthorizationRequest;
use crate::types::authorization::ResponseType;
use crate::types::error::{ErrorCode, OAuthError};

/// Where an answer goes, and what every answer carries.
#[derive(Clone, Copy, Debug)]
pub struct ResponseTarget<'a> {
    /// The client's redirect URI, already found to be one of its own.
    pub redirect_uri: &'a str,
    /// Returned unchanged.
    pub state: Option<&'a str>,
    /// RFC 9207 section 2.
    pub issuer: &'a str,
    /// A code travels in the query, a token in the fragment, which no server sees.
    pub response_type: ResponseType,
}

impl<'a> ResponseTarget<'a> {
    /// The target of a request.
    #[must_use]
    pub fn of(request: &'a AuthorizationRequest, issuer: &'a str) -> Self {
        Self {
            redirect_uri: request.redirect_uri.as_str(),
            state: request.state.as_deref(),
            issuer,
            response_type: request.response_type,
        }
    }

    /// The redirect URI with a code.
    #[must_use]
    pub fn code(&self, code: &str) -> String {
        self.with(&[("code", code)])
    }

    /// The redirect URI with an access token (RFC 6749 section 4.2.2).
    #[must_use]
    pub fn token(&self, tokens: &Tokens) -> String {
        let expires_in = tokens.expires_in.to_string();
        self.with(&[
            ("access_token", tokens.access_token.expose_secret()),
            ("token_type", "Bearer"),
            ("expires_in", &expires_in),
            ("scope", tokens.scope.as_str()),
        ])
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
        let separator = match self.response_type {
            // RFC 6749 section 3.1.2: a query that the redirect URI has is kept.
            ResponseType::Code if self.redirect_uri.contains('?') => '&',
            ResponseType::Code => '?',
            ResponseType::Token => '#',
        };
        format!("{}{separator}{}", self.redirect_uri, query.finish())
    }
}
