//! The master key: 32 bytes that seal the data keys.  Kept by the operator, never by the store.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::secret::Secret;

/// The key that seals the data keys.
#[derive(ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// A text is not a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes in base64, as `openssl rand -base64 32` prints them")]
pub struct MalformedMasterKey;

impl MasterKey {
    /// A new one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        entropy.array().map(Self)
    }

    /// Reads one, as [`MasterKey::encode`] writes it.
    ///
    /// # Errors
    /// When it is not 32 bytes in base64.
    pub fn parse(text: &Secret) -> Result<Self, MalformedMasterKey> {
        let decoded = STANDARD.decode(text.expose_secret().trim()).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| MalformedMasterKey)?;
        decoded.as_slice().try_into().map(Self).map_err(|_| MalformedMasterKey)
    }

    /// The key in base64, to be written into a file that only the server reads.
    #[must_use]
    pub fn encode(&self) -> Secret {
        Secret::new(STANDARD.encode(self.0))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}
