//! Compact JWS with Ed25519 (RFC 7515 section 3.1, RFC 8037 section 3.1), for the tokens of our own.
//!
//! The algorithm is the key's, never the header's: a header can only be the one that we would write.

use std::fmt;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey};
use metrics::Histogram;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::jwk;

/// Longer than any token of ours: the longest claims are capped where they enter.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Most claims fit in here, so that they are written without growing a buffer.
const USUAL_CLAIMS_BYTES: usize = 512;

/// A signing key with all that can be computed before the first token.
pub struct JwsKey {
    kid: String,
    signing: SigningKey,
    /// The encoded header and its dot.
    header_segment: String,
    duration: Histogram,
}

impl JwsKey {
    /// The key of a seed.  The public half is always derived, so no caller can pair a seed with
    /// another public key (threat F7).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let kid = jwk::thumbprint(signing.verifying_key().as_bytes());
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#);
        let mut header_segment = URL_SAFE_NO_PAD.encode(header);
        header_segment.push('.');
        Self { kid, signing, header_segment, duration: metrics::histogram!("jeton_sign_duration_seconds") }
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs claims as an access token (RFC 9068 section 2.1).
    ///
    /// # Errors
    /// When the claims are no JSON object, which our own types always are.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, serde_json::Error> {
        let mut payload = Vec::with_capacity(USUAL_CLAIMS_BYTES);
        serde_json::to_writer(&mut payload, claims)?;
        let mut token = String::with_capacity(self.header_segment.len() + payload.len() * 4 / 3 + 92);
        token.push_str(&self.header_segment);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let begun = Instant::now();
        let signature = self.signing.sign(token.as_bytes());
        self.duration.record(begun.elapsed());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        Ok(token)
    }

    /// The claims of a token that this key signed; `None` for whatever else.
    pub fn verify<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        // Exactly our own header: `alg`, `typ`, `crit`, `jwk` and the like leave no choice.
        let rest = token.strip_prefix(&self.header_segment)?;
        let (payload, signature) = rest.split_once('.')?;
        let signature: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
        let signed = token.get(..self.header_segment.len().checked_add(payload.len())?)?;
        self.signing.verifying_key().verify_strict(signed.as_bytes(), &Signature::from_bytes(&signature)).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

impl fmt::Debug for JwsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwsKey({})", self.kid)
    }
}

/// Whether a text can be a token of ours at all, told without decoding it.
#[must_use]
pub fn plausible(token: &str) -> bool {
    token.len() <= MAX_TOKEN_BYTES && token.bytes().filter(|&b| b == b'.').count() == 2
}
