//! Sealed keys as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::store::key::{SealedDataKeys, SigningKey};
use crate::types::time::UnixSeconds;

/// RFC 8037 section 3.1: the one algorithm so far, written so that another can be told from it.
const ALGORITHM: &str = "EdDSA";

impl Record for SigningKey {
    const TREE: &'static str = "signing_keys";
    type Message = pb::SigningKey;

    fn to_message(&self) -> pb::SigningKey {
        pb::SigningKey {
            kid: self.kid.clone(),
            alg: ALGORITHM.to_owned(),
            sealed_seed: self.sealed_seed.clone(),
            data_key: u32::from(self.data_key),
            public_key: self.public_key.to_vec(),
            announced_at: self.announced_at.0,
            active_from: self.active_from.0,
            serial: self.serial,
        }
    }

    fn from_message(message: pb::SigningKey) -> Option<Self> {
        if message.alg != ALGORITHM {
            return None;
        }
        Some(Self {
            kid: message.kid,
            data_key: message.data_key.try_into().ok()?,
            sealed_seed: message.sealed_seed,
            public_key: message.public_key.try_into().ok()?,
            announced_at: UnixSeconds(message.announced_at),
            active_from: UnixSeconds(message.active_from),
            serial: message.serial,
        })
    }
}

impl Record for SealedDataKeys {
    const TREE: &'static str = "data_keys";
    type Message = pb::DataKeys;

    fn to_message(&self) -> pb::DataKeys {
        pb::DataKeys { id: u32::from(self.id), created_at: self.created_at.0, sealed: self.sealed.clone() }
    }

    fn from_message(message: pb::DataKeys) -> Option<Self> {
        Some(Self { id: message.id.try_into().ok()?, created_at: UnixSeconds(message.created_at), sealed: message.sealed })
    }
}
