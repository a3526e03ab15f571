//! A workspace's signing keys: announced, active, retired, removed.
//!
//! A key signs from its `active_from` until that of its successor, so one new record is a whole
//! rotation.  It stays published until every token it signed has ended.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::keys::data_keys::{DataKeyRing, DataKeys};
use crate::keys::jws::{JwsKey, plausible};
use crate::keys::seal::CannotOpen;
use crate::store::key::SigningKey;
use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::ids::WorkspaceId;
use crate::types::lifetime::MAX_ACCESS_TOKEN_LIFETIME;
use crate::types::time::UnixSeconds;

/// A key and its times.
#[derive(Clone, Debug)]
pub struct RingKey {
    /// What signs.
    pub key: Arc<JwsKey>,
    /// Since when it is published.
    pub announced_at: UnixSeconds,
    /// From when on it signs.
    pub active_from: UnixSeconds,
    /// Counts the workspace's keys.
    pub serial: u64,
    /// From when on its successor signs.
    pub retired_at: Option<UnixSeconds>,
    /// From when on it is not published any more.
    pub removed_at: Option<UnixSeconds>,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not yet signing.
    Announced,
    /// Signing.
    Active,
    /// Published, no longer signing.
    Retired,
    /// Gone.
    Removed,
}

impl RingKey {
    /// Where the key is in its life.
    #[must_use]
    pub fn state(&self, now: UnixSeconds) -> KeyState {
        if self.removed_at.is_some_and(|at| at <= now) {
            KeyState::Removed
        } else if self.retired_at.is_some_and(|at| at <= now) {
            KeyState::Retired
        } else if self.active_from <= now {
            KeyState::Active
        } else {
            KeyState::Announced
        }
    }
}

/// The signing keys of a workspace, the oldest first; never none.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<RingKey>,
}

impl KeyRing {
    /// The ring of the keys as they are kept.
    ///
    /// # Errors
    /// When one was sealed otherwise, or there is none.
    pub fn open(
        workspace: WorkspaceId,
        mut kept: Vec<SigningKey>,
        data_keys: &DataKeyRing,
        clock_skew: i64,
    ) -> Result<Self, CannotOpen> {
        kept.sort_by_key(|key| (key.active_from, key.serial));
        let mut keys: Vec<RingKey> = Vec::with_capacity(kept.len());
        for record in kept {
            if let Some(before) = keys.last_mut() {
                before.retired_at = Some(record.active_from);
                before.removed_at = Some(record.active_from.plus(MAX_ACCESS_TOKEN_LIFETIME + clock_skew));
            }
            keys.push(RingKey {
                key: Arc::new(open_key(workspace, &record, data_keys)?),
                announced_at: record.announced_at,
                active_from: record.active_from,
                serial: record.serial,
                retired_at: None,
                removed_at: None,
            });
        }
        if keys.is_empty() { Err(CannotOpen) } else { Ok(Self { keys }) }
    }

    /// The key that signs now.
    #[must_use]
    pub fn active(&self, now: UnixSeconds) -> Option<&JwsKey> {
        let begun = self.keys.iter().rev().find(|key| key.active_from <= now);
        // When the clock was set back before the first key, that one is still the one to use.
        begun.or(self.keys.first()).map(|key| key.key.as_ref())
    }

    /// The keys that are published now, the oldest first.
    pub fn published(&self, now: UnixSeconds) -> impl Iterator<Item = &RingKey> {
        self.keys.iter().filter(move |key| key.state(now) != KeyState::Removed)
    }

    /// The newest key, announced or active.
    #[must_use]
    pub fn newest(&self) -> Option<&RingKey> {
        self.keys.last()
    }

    /// Every key, removed ones too.
    pub fn all(&self) -> impl Iterator<Item = &RingKey> {
        self.keys.iter()
    }

    /// The claims of an access token that a published key signed.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, now: UnixSeconds) -> Option<T> {
        if !plausible(token) {
            return None;
        }
        self.published(now).find_map(|key| key.key.verify(token))
    }
}

/// When a new key is published, and when it signs.
#[derive(Clone, Copy, Debug)]
pub struct KeyTimes {
    /// Since when it is published.
    pub announced_at: UnixSeconds,
    /// From when on it signs.
    pub active_from: UnixSeconds,
    /// One more than that of the key before.
    pub serial: u64,
}

/// A new key as it is kept.
///
/// # Errors
/// Without randomness.
pub fn new_signing_key(
    workspace: WorkspaceId,
    times: KeyTimes,
    data_keys: &DataKeys,
    entropy: &dyn Entropy,
) -> Result<SigningKey, NoEntropy> {
    let seed = zeroize::Zeroizing::new(entropy.array::<32>()?);
    let key = JwsKey::from_seed(&seed);
    let sealed_seed = data_keys.seal_value(&context(workspace, key.kid()), seed.as_slice(), entropy)?;
    Ok(SigningKey {
        kid: key.kid().to_owned(),
        data_key: data_keys.id(),
        sealed_seed,
        public_key: key.public_key(),
        announced_at: times.announced_at,
        active_from: times.active_from,
        serial: times.serial,
    })
}

fn open_key(workspace: WorkspaceId, record: &SigningKey, data_keys: &DataKeyRing) -> Result<JwsKey, CannotOpen> {
    let keys = data_keys.get(record.data_key).ok_or(CannotOpen)?;
    let seed = keys.open_value(&context(workspace, &record.kid), &record.sealed_seed)?;
    let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| CannotOpen)?;
    let key = JwsKey::from_seed(seed);
    if key.kid() == record.kid { Ok(key) } else { Err(CannotOpen) }
}

/// What a sealed seed is bound to: its algorithm, its workspace and its name.
fn context(workspace: WorkspaceId, kid: &str) -> Vec<u8> {
    [b"EdDSA".as_slice(), &workspace.0, kid.as_bytes()].concat()
}
