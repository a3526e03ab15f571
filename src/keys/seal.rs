//! Sealing: XChaCha20-Poly1305 with a random nonce, bound to what it belongs to.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::types::entropy::{Entropy, NoEntropy};

const NONCE_BYTES: usize = 24;

/// A sealed value cannot be opened: another key, another place, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value cannot be opened with this key")]
pub struct CannotOpen;

/// Seals `plain` for the place that `context` names; the answer begins with the nonce.
///
/// # Errors
/// Without randomness.
pub fn seal(key: &[u8; 32], context: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, NoEntropy> {
    let nonce: [u8; NONCE_BYTES] = entropy.array()?;
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context });
    // Encryption fails only for messages of more than 256 GiB.
    let sealed = sealed.map_err(|_| NoEntropy)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] made for the same key and context.
///
/// # Errors
/// When it was made otherwise.
pub fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: context });
    plain.map(Zeroizing::new).map_err(|_| CannotOpen)
}
