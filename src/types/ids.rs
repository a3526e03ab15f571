//! Identifiers.  Parsing one checks its form, so that garbage never reaches a look-up.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::time::UnixMillis;

/// Every first path segment that the server itself uses, so no workspace may have it as a name.
const RESERVED_NAMES: &[&str] = &[
    "authorized",
    "authorize",
    "consent",
    "default",
    "device",
    "healthz",
    "livez",
    "login",
    "logout",
    "metrics",
    "oauth",
    "oauth2",
    "openapi",
    "readyz",
    "static",
    "token",
    "userinfo",
];

/// The workspace that is served at the root.
pub const DEFAULT_WORKSPACE: &str = "default";

/// A workspace's inner identity: random, and never used again when its name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceId(pub [u8; 16]);

/// A workspace's name, as it stands in paths: 1 to 63 of `a-z`, `0-9` and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceName(Arc<str>);

/// A text is not an identifier of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedId(pub &'static str);

impl WorkspaceName {
    /// The default workspace's name.
    #[must_use]
    pub fn default_workspace() -> Self {
        Self(DEFAULT_WORKSPACE.into())
    }

    /// Reads a name; the empty one is the default workspace's.
    ///
    /// # Errors
    /// When it has a character or a length that no workspace's name has.
    pub fn parse(name: &str) -> Result<Self, MalformedId> {
        if name.is_empty() {
            return Ok(Self::default_workspace());
        }
        let good = name.len() <= 63
            && !name.starts_with('-')
            && !name.ends_with('-')
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !good {
            return Err(MalformedId("a workspace's name is 1 to 63 of a-z, 0-9 and inner hyphens"));
        }
        Ok(Self(name.into()))
    }

    /// Whether the server uses the name as a path of its own, so that no new workspace may have it.
    #[must_use]
    pub fn reserved(&self) -> bool {
        RESERVED_NAMES.contains(&&*self.0)
    }

    /// Whether this is the workspace at the root.
    #[must_use]
    pub fn default(&self) -> bool {
        &*self.0 == DEFAULT_WORKSPACE
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A client identifier (RFC 6749 section 2.2): generated, with a checksum, so that a mistyped one
/// needs no look-up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    const PREFIX: &str = "jc_";

    /// A new one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        Ok(Self(checksummed(Self::PREFIX, &entropy.array::<14>()?).into()))
    }

    /// Reads one.
    ///
    /// # Errors
    /// When its form or its checksum is not of an id that was generated here.
    pub fn parse(text: &str) -> Result<Self, MalformedId> {
        verify_checksum(Self::PREFIX, text, 18).ok_or(MalformedId("this is not a client_id of this server"))?;
        Ok(Self(text.into()))
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `prefix`, then `payload` and its CRC-32 in base64url: only `[A-Za-z0-9_-]`, so that it is pasted
/// unencoded into shells and URLs.
#[must_use]
pub fn checksummed(prefix: &str, payload: &[u8]) -> String {
    let mut bytes = payload.to_vec();
    bytes.extend_from_slice(&crc32fast::hash(payload).to_be_bytes());
    let mut text = prefix.to_owned();
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    text
}

/// The inverse of [`checksummed`] for values of `bytes` bytes, checksum included.
fn verify_checksum(prefix: &str, text: &str, bytes: usize) -> Option<()> {
    let encoded = text.strip_prefix(prefix)?;
    if encoded.len() != bytes.saturating_mul(4).div_ceil(3) {
        return None;
    }
    let decoded = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let (payload, checksum) = decoded.split_last_chunk::<4>()?;
    (crc32fast::hash(payload).to_be_bytes() == *checksum).then_some(())
}

/// A grant's identity: 48 bits of time, then randomness, so that grants lie on disk in the order of
/// their making.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub [u8; 16]);

impl GrantId {
    /// A new one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(now: UnixMillis, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut id = [0; 16];
        let (time, random) = id.split_at_mut(6);
        let millis = now.0.to_be_bytes();
        time.copy_from_slice(millis.last_chunk::<6>().unwrap_or(&[0; 6]));
        entropy.fill(random)?;
        Ok(Self(id))
    }

    /// When the grant was made: the moment that its id was drawn.
    #[must_use]
    pub fn made_at(&self) -> UnixMillis {
        let mut millis = [0; 8];
        for (to, from) in millis.iter_mut().skip(2).zip(self.0) {
            *to = from;
        }
        UnixMillis(i64::from_be_bytes(millis))
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

/// A session's identity, made like a grant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

/// Who a token speaks for (RFC 7519 section 4.1.2): 1 to 255 characters without controls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Arc<str>);

impl Subject {
    /// Reads one.
    ///
    /// # Errors
    /// When it is empty, too long or has a control character.
    pub fn parse(text: &str) -> Result<Self, MalformedId> {
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            return Err(MalformedId("a subject is 1 to 255 bytes without control characters"));
        }
        Ok(Self(text.into()))
    }

    /// The subject itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
