//! Opaque tokens: codes, refresh tokens, handles, tickets and sessions.
//!
//! A token is its kind's prefix and the base64url of 69 bytes: data key id (1), grant id (16),
//! generation (4), secret (32) and a MAC (16) over all of it, its kind and its workspace.  So garbage
//! and another workspace's token die without a look-up, and an old token is told from a made-up one
//! by one record.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::keys::data_keys::{DataKeyRing, DataKeys, Purpose};
use crate::keys::seal::{self, CannotOpen};
use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::ids::{GrantId, WorkspaceId};
use crate::types::secret::{Secret, SecretDigest};

const MAC_BYTES: usize = 16;
const BODY_BYTES: usize = 1 + 16 + 4 + 32;
/// The base64url length of 69 bytes.
const ENCODED_BYTES: usize = 92;

/// What a token is for: one kind is never taken for another (threat A4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code.
    Code,
    /// The handle of an authorization request.
    Handle,
    /// A refresh token.
    Refresh,
    /// The value of a session cookie.
    Session,
    /// The ticket that releases a decided request's answer.
    Ticket,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Code => "jac_",
            Self::Handle => "jah_",
            Self::Refresh => "jrt_",
            Self::Session => "jst_",
            Self::Ticket => "jat_",
        }
    }
}

/// A token that was made here, and what it says.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Opaque {
    #[zeroize(skip)]
    kind: Kind,
    key: u8,
    #[zeroize(skip)]
    grant: GrantId,
    generation: u32,
    secret: [u8; 32],
}

impl Opaque {
    /// A new token with a random secret.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(
        kind: Kind,
        grant: GrantId,
        generation: u32,
        ring: &DataKeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Self, NoEntropy> {
        Ok(Self { kind, key: ring.newest().id(), grant, generation, secret: entropy.array()? })
    }

    /// The token of another kind that follows from this one, always the same: so that repeating a
    /// call cannot issue two.  Only the server can derive it.
    #[must_use]
    pub fn derive(&self, kind: Kind, workspace: WorkspaceId, ring: &DataKeyRing) -> Self {
        let keys = ring.get(self.key).unwrap_or(ring.newest());
        let label: &[u8; 4] = match kind {
            Kind::Code => b"code",
            Kind::Handle => b"hand",
            Kind::Refresh => b"refr",
            Kind::Session => b"sess",
            Kind::Ticket => b"tick",
        };
        let secret = *keys.derive(&[label, &workspace.0, &self.grant.0, &self.generation.to_be_bytes(), &self.secret]);
        Self { kind, key: keys.id(), grant: self.grant, generation: self.generation, secret }
    }

    /// Reads a token; `None` for whatever was not made here, for this workspace, of this kind.
    #[must_use]
    pub fn parse(kind: Kind, workspace: WorkspaceId, text: &Secret, ring: &DataKeyRing) -> Option<Self> {
        let encoded = text.expose_secret().strip_prefix(kind.prefix())?;
        if encoded.len() != ENCODED_BYTES {
            return None;
        }
        // The engine refuses what is not canonical, so that no token has two spellings.
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let (body, mac) = bytes.split_first_chunk::<BODY_BYTES>()?;
        let (&[key], rest) = body.split_first_chunk::<1>()?;
        let (grant, rest) = rest.split_first_chunk::<16>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let secret: [u8; 32] = rest.try_into().ok()?;
        let expected = mac_of(kind, workspace, body, ring.get(key)?);
        if !bool::from(expected.as_slice().ct_eq(mac)) {
            return None;
        }
        Some(Self { kind, key, grant: GrantId(*grant), generation: u32::from_be_bytes(*generation), secret })
    }

    /// The token as its bearer holds it.
    #[must_use]
    pub fn encode(&self, workspace: WorkspaceId, ring: &DataKeyRing) -> Secret {
        let keys = ring.get(self.key).unwrap_or(ring.newest());
        let mut bytes = Zeroizing::new(Vec::with_capacity(BODY_BYTES + MAC_BYTES));
        bytes.push(self.key);
        bytes.extend_from_slice(&self.grant.0);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.secret);
        let mac = mac_of(self.kind, workspace, &bytes, keys);
        bytes.extend_from_slice(&mac);
        let mut text = String::with_capacity(self.kind.prefix().len() + ENCODED_BYTES);
        text.push_str(self.kind.prefix());
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Secret::new(text)
    }

    /// The grant that the token belongs to.
    #[must_use]
    pub fn grant(&self) -> GrantId {
        self.grant
    }

    /// How many rotations came before it.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Seals the secret of `successor` so that only the bearer of this token, and only through the
    /// server, can have it again.
    ///
    /// # Errors
    /// Without randomness.
    pub fn seal_successor(
        &self,
        successor: &Self,
        workspace: WorkspaceId,
        ring: &DataKeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, NoEntropy> {
        let (key, context) = self.successor_key(workspace, ring);
        let mut plain = Zeroizing::new(vec![successor.key]);
        plain.extend_from_slice(&successor.secret);
        seal::seal(&key, &context, &plain, entropy)
    }

    /// Opens what [`Opaque::seal_successor`] sealed for this token.
    ///
    /// # Errors
    /// When it was sealed for another one.
    pub fn open_successor(&self, sealed: &[u8], workspace: WorkspaceId, ring: &DataKeyRing) -> Result<Self, CannotOpen> {
        let (key, context) = self.successor_key(workspace, ring);
        let plain = seal::open(&key, &context, sealed)?;
        let (&[key], secret) = plain.split_first_chunk::<1>().ok_or(CannotOpen)?;
        let secret: [u8; 32] = secret.try_into().map_err(|_| CannotOpen)?;
        Ok(Self { kind: self.kind, key, grant: self.grant, generation: self.generation.saturating_add(1), secret })
    }

    fn successor_key(&self, workspace: WorkspaceId, ring: &DataKeyRing) -> (Zeroizing<[u8; 32]>, Vec<u8>) {
        let keys = ring.get(self.key).unwrap_or(ring.newest());
        let context = [workspace.0.as_slice(), &self.grant.0, &self.generation.to_be_bytes()].concat();
        (keys.derive(&[b"next", &context, &self.secret]), context)
    }
}

/// What is stored of a token.  It names no data key: the token does.
#[must_use]
pub fn digest(token: &Opaque, workspace: WorkspaceId, ring: &DataKeyRing) -> SecretDigest {
    let keys = ring.get(token.key).unwrap_or(ring.newest());
    keys.digest(Purpose::Opaque, workspace, token.encode(workspace, ring).expose_secret())
}

fn mac_of(kind: Kind, workspace: WorkspaceId, body: &[u8], keys: &DataKeys) -> [u8; MAC_BYTES] {
    let mac = keys.authenticate(&[kind.prefix().as_bytes(), &workspace.0, body]);
    let mut short = [0; MAC_BYTES];
    short.copy_from_slice(mac.first_chunk::<MAC_BYTES>().unwrap_or(&[0; MAC_BYTES]));
    short
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opaque({:?}, generation {})", self.kind, self.generation)
    }
}
