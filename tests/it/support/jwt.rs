//! Access tokens as a resource server sees them: decoded, and verified with another library.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

/// A part of a token: 0 is the header, 1 the claims.
pub fn part(token: &str, index: usize) -> Value {
    let segment = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The id of the key that signed a token.
pub fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

/// Whether a key of a key set (RFC 7517) made the token's signature.
pub fn verifies(token: &str, jwks: &Value) -> bool {
    let kid = kid(token);
    let Some(key) = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str()) else { return false };
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature).is_ok()
}
