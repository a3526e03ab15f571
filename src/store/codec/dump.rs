//! The messages of a dump, and what a store notes about it.

use prost::Message;

use crate::pb::storage::v1 as pb;
use crate::pb::storage::v1::dump_item::Record as Kept;
use crate::store::client::Client;
use crate::store::codec::{Record, RevokedToken, UsedUp};
use crate::store::consent::Consent;
use crate::store::dump::{End, Header};
use crate::store::grant::Grant;
use crate::store::key::{SealedDataKeys, SigningKey};
use crate::store::moving::{Counts, DumpId, Fence, Import, Item, Kind, Moved};
use crate::store::policy_use::PolicyUse;
use crate::store::scope::ScopeEntry;
use crate::store::session::Session;
use crate::store::user::User;
use crate::store::workspace::Workspace;
use crate::types::time::UnixSeconds;

/// A message of a dump.
pub trait Frame: Sized {
    /// As it is written.
    fn to_bytes(&self) -> Vec<u8>;
    /// What was written; `None` when nobody wrote that.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Frame for Header {
    fn to_bytes(&self) -> Vec<u8> {
        let Self { dump, source, fenced_at } = self;
        pb::DumpHeader { dump_id: dump.0.to_vec(), source: source.clone(), fenced_at: fenced_at.0 }.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let message = pb::DumpHeader::decode(bytes).ok()?;
        Some(Self { dump: dump_id(message.dump_id)?, source: message.source, fenced_at: UnixSeconds(message.fenced_at) })
    }
}

impl Frame for Item {
    fn to_bytes(&self) -> Vec<u8> {
        let record = match self {
            Self::DataKeys(keys) => Kept::DataKeys(keys.to_message()),
            Self::Workspace(workspace) => Kept::Workspace(workspace.to_message()),
            Self::SigningKey(_, key) => Kept::SigningKey(key.to_message()),
            Self::Scope(_, scope) => Kept::Scope(scope.to_message()),
            Self::Client(_, client) => Kept::Client(client.to_message()),
            Self::User(_, user) => Kept::User(user.to_message()),
            Self::Consent(_, consent) => Kept::Consent(consent.to_message()),
            Self::Session(_, _, session) => Kept::Session(session.to_message()),
            Self::PolicyUse(_, _, used) => Kept::PolicyUse(used.to_message()),
            Self::Grant(_, _, grant) => Kept::Grant(grant.to_message()),
            Self::RevokedToken(_, _, until) => Kept::RevokedToken(RevokedToken { until: *until }.to_message()),
            Self::SingleUse(_, once) => Kept::SingleUse(UsedUp { until: once.until }.to_message()),
        };
        pb::DumpItem { key: self.key(), record: Some(record) }.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let message = pb::DumpItem::decode(bytes).ok()?;
        let key = message.key.as_slice();
        match message.record? {
            Kept::DataKeys(message) => kept::<SealedDataKeys>(message, key),
            Kept::Workspace(message) => kept::<Workspace>(message, key),
            Kept::SigningKey(message) => kept::<SigningKey>(message, key),
            Kept::Scope(message) => kept::<ScopeEntry>(message, key),
            Kept::Client(message) => kept::<Client>(message, key),
            Kept::User(message) => kept::<User>(message, key),
            Kept::Consent(message) => kept::<Consent>(message, key),
            Kept::Session(message) => kept::<Session>(message, key),
            Kept::PolicyUse(message) => kept::<PolicyUse>(message, key),
            Kept::Grant(message) => kept::<Grant>(message, key),
            Kept::RevokedToken(message) => kept::<RevokedToken>(message, key),
            Kept::SingleUse(message) => kept::<UsedUp>(message, key),
        }
    }
}

impl Frame for End {
    fn to_bytes(&self) -> Vec<u8> {
        let counts = self.counts.each().map(|(kind, records)| pb::DumpCount { kind: kind.as_str().to_owned(), records });
        pb::DumpEnd { counts: counts.collect(), sha256: self.sha256.to_vec() }.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let message = pb::DumpEnd::decode(bytes).ok()?;
        let mut counts = Counts::default();
        for count in message.counts {
            counts.add(Kind::from_name(&count.kind)?, count.records);
        }
        Some(Self { counts, sha256: message.sha256.try_into().ok()? })
    }
}

impl Record for Fence {
    const TREE: &'static str = "meta";
    type Message = pb::Fence;

    fn to_message(&self) -> pb::Fence {
        pb::Fence { dump_id: self.dump.0.to_vec(), fenced_at: self.fenced_at.0, reason: self.reason.clone() }
    }

    fn from_message(message: pb::Fence) -> Option<Self> {
        Some(Self { dump: dump_id(message.dump_id)?, fenced_at: UnixSeconds(message.fenced_at), reason: message.reason })
    }
}

impl Record for Import {
    const TREE: &'static str = "meta";
    type Message = pb::Import;

    fn to_message(&self) -> pb::Import {
        pb::Import { dump_id: self.dump.0.to_vec(), items: self.items, complete: self.complete }
    }

    fn from_message(message: pb::Import) -> Option<Self> {
        Some(Self { dump: dump_id(message.dump_id)?, items: message.items, complete: message.complete })
    }
}

fn kept<R: Record + Moved>(message: R::Message, key: &[u8]) -> Option<Item> {
    R::from_message(message)?.moved(key)
}

fn dump_id(bytes: Vec<u8>) -> Option<DumpId> {
    bytes.try_into().ok().map(DumpId)
}
