//! Proof Key for Code Exchange (RFC 7636), method S256.  `plain` does not exist here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::types::secret::Secret;

/// An S256 code challenge (RFC 7636 section 4.2): the SHA-256 of the verifier.
#[derive(Clone, Copy, Debug)]
pub struct CodeChallenge(pub [u8; 32]);

/// A parameter is not what RFC 7636 defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPkce {
    /// Section 4.2: base64url of 32 bytes, without padding.
    #[error("code_challenge must be the base64url encoding of a SHA-256 value, 43 characters without padding")]
    Challenge,
    /// Section 4.1.
    #[error("code_verifier must be 43 to 128 characters of A-Z, a-z, 0-9 and -._~")]
    Verifier,
}

impl CodeChallenge {
    /// Reads the `code_challenge` parameter.
    ///
    /// # Errors
    /// When it is not the canonical encoding of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, MalformedPkce> {
        let decoded = URL_SAFE_NO_PAD.decode(text).map_err(|_| MalformedPkce::Challenge)?;
        decoded.try_into().map(Self).map_err(|_| MalformedPkce::Challenge)
    }

    /// The challenge of a verifier (RFC 7636 section 4.6).
    #[must_use]
    pub fn of(verifier: &CodeVerifier) -> Self {
        Self(Sha256::digest(verifier.0.expose_secret()).into())
    }

    /// Whether both are of the same verifier, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A code verifier (RFC 7636 section 4.1).
#[derive(Clone, Debug)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Reads the `code_verifier` parameter.
    ///
    /// # Errors
    /// When its length or a character is not allowed.
    pub fn parse(text: Secret) -> Result<Self, MalformedPkce> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        let verifier = text.expose_secret();
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(MalformedPkce::Verifier);
        }
        Ok(Self(text))
    }
}
