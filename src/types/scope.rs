//! Scope (RFC 6749 section 3.3).

use std::fmt;
use std::sync::Arc;

/// The most bytes of a scope: several times what any vendor asks for.
pub const MAX_BYTES: usize = 1024;

/// A set of scope tokens, in the order they were first named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(Arc<str>);

/// A text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "scope is a list of at most 1024 bytes of printable characters without quotes and backslashes, separated by single spaces"
)]
pub struct MalformedScope;

impl Scope {
    /// The scope without any token.
    #[must_use]
    pub fn empty() -> Self {
        Self("".into())
    }

    /// Reads a scope; a token that is named twice counts once.
    ///
    /// # Errors
    /// When a token has a character outside `%x21 / %x23-5B / %x5D-7E`, or the list is not separated
    /// by single spaces, or is too long.
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        if text.is_empty() {
            return Ok(Self::empty());
        }
        if text.len() > MAX_BYTES {
            return Err(MalformedScope);
        }
        let mut tokens: Vec<&str> = Vec::new();
        for token in text.split(' ') {
            if token.is_empty() || !token.bytes().all(scope_character) {
                return Err(MalformedScope);
            }
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        Ok(Self(tokens.join(" ").into()))
    }

    /// Its tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether every token of this scope is in `other` too.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        self.tokens().all(|token| other.contains(token))
    }

    /// Whether the token is in the scope.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.tokens().any(|mine| mine == token)
    }

    /// The tokens that both have, in this scope's order.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        if self.within(other) {
            return self.clone();
        }
        let both: Vec<&str> = self.tokens().filter(|token| other.contains(token)).collect();
        Self(both.join(" ").into())
    }

    /// Whether it has no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, separated by spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn scope_character(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
