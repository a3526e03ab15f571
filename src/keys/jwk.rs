//! Public keys as JSON Web Keys (RFC 7517, RFC 8037 section 2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The `x` member: the public key in base64url.
#[must_use]
pub fn x(public_key: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(public_key)
}

/// The key's thumbprint (RFC 7638 section 3, RFC 8037 appendix A.3), which names it.
#[must_use]
pub fn thumbprint(public_key: &[u8; 32]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, x(public_key));
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}
