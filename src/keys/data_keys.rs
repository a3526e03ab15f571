//! The data keys: random keys that digest, authenticate and seal, themselves sealed under the master
//! key, so that rotating the master key re-wraps them and touches no record.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::keys::master_key::MasterKey;
use crate::keys::seal::{self, CannotOpen};
use crate::store::key::SealedDataKeys;
use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::ids::WorkspaceId;
use crate::types::secret::SecretDigest;
use crate::types::time::UnixSeconds;

/// One generation of data keys.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DataKeys {
    id: u8,
    pepper: [u8; 32],
    mac: [u8; 32],
    seal: [u8; 32],
}

/// What a digest is of: a digest of one kind never equals one of another (threat A4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The cookie that ties an authorization request to a browser.
    Browser,
    /// A client secret.
    ClientSecret,
    /// The token of a form.
    Csrf,
    /// A token with a MAC: code, refresh token, handle, ticket.
    Opaque,
    /// A username, for counting failures to sign in.
    SignIn,
}

impl Purpose {
    fn tag(self) -> u8 {
        match self {
            Self::Browser => 1,
            Self::ClientSecret => 2,
            Self::Opaque => 3,
            Self::Csrf => 4,
            Self::SignIn => 10,
        }
    }
}

impl DataKeys {
    /// A new generation.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(id: u8, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        Ok(Self { id, pepper: entropy.array()?, mac: entropy.array()?, seal: entropy.array()? })
    }

    /// Stands in every digest and token that these keys make.
    #[must_use]
    pub fn id(&self) -> u8 {
        self.id
    }

    /// These keys as they are kept.
    ///
    /// # Errors
    /// Without randomness.
    pub fn seal(&self, master: &MasterKey, now: UnixSeconds, entropy: &dyn Entropy) -> Result<SealedDataKeys, NoEntropy> {
        let plain = Zeroizing::new([self.pepper, self.mac, self.seal].concat());
        let sealed = seal::seal(master.bytes(), &context(self.id), &plain, entropy)?;
        Ok(SealedDataKeys { id: self.id, created_at: now, sealed })
    }

    /// Opens keys as they are kept.
    ///
    /// # Errors
    /// When they were sealed under another master key.
    pub fn open(master: &MasterKey, kept: &SealedDataKeys) -> Result<Self, CannotOpen> {
        let plain = seal::open(master.bytes(), &context(kept.id), &kept.sealed)?;
        let (pepper, rest) = plain.split_first_chunk::<32>().ok_or(CannotOpen)?;
        let (mac, rest) = rest.split_first_chunk::<32>().ok_or(CannotOpen)?;
        let seal: [u8; 32] = rest.try_into().map_err(|_| CannotOpen)?;
        Ok(Self { id: kept.id, pepper: *pepper, mac: *mac, seal })
    }

    /// What is stored of a secret: HMAC-SHA-256 under the pepper over purpose, workspace and value.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, workspace: WorkspaceId, value: &str) -> SecretDigest {
        SecretDigest(hmac(&self.pepper, &[&[purpose.tag()], &workspace.0, value.as_bytes()]))
    }

    /// Authenticates the parts of a token.  Every part but the last must have a fixed length.
    pub(super) fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        hmac(&self.mac, parts)
    }

    /// A key, or a value, that only the server can derive, and only with all of `parts`.
    pub(super) fn derive(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hmac(&self.seal, parts))
    }

    /// Seals a value for the place that `context` names.
    ///
    /// # Errors
    /// Without randomness.
    pub fn seal_value(&self, context: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, NoEntropy> {
        seal::seal(&self.seal, context, plain, entropy)
    }

    /// Opens a value that was sealed for the same place.
    ///
    /// # Errors
    /// When it was sealed otherwise.
    pub fn open_value(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        seal::open(&self.seal, context, sealed)
    }
}

fn context(id: u8) -> [u8; 11] {
    [b'd', b'a', b't', b'a', b' ', b'k', b'e', b'y', b's', b' ', id]
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key of 32 bytes is always accepted; the empty fallback cannot be reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKeys({})", self.id)
    }
}

/// Every generation that is still in use: the newest makes, all verify.
#[derive(Debug)]
pub struct DataKeyRing {
    newest: DataKeys,
    older: Vec<DataKeys>,
}

impl DataKeyRing {
    /// A ring of one or more generations, the newest last; `None` for none.
    #[must_use]
    pub fn new(mut generations: Vec<DataKeys>) -> Option<Self> {
        let newest = generations.pop()?;
        Some(Self { newest, older: generations })
    }

    /// The generation that makes new digests and tokens.
    #[must_use]
    pub fn newest(&self) -> &DataKeys {
        &self.newest
    }

    /// Every generation, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &DataKeys> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// The generation of that id.
    #[must_use]
    pub fn get(&self, id: u8) -> Option<&DataKeys> {
        self.all().find(|keys| keys.id == id)
    }
}
