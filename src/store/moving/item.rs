//! One record of any kind, with all that says where it lies.

use crate::store::client::Client;
use crate::store::codec::{RevokedToken, UsedUp};
use crate::store::consent::Consent;
use crate::store::grant::Grant;
use crate::store::key::{SealedDataKeys, SigningKey};
use crate::store::moving::Kind;
use crate::store::place;
use crate::store::policy_use::PolicyUse;
use crate::store::scope::ScopeEntry;
use crate::store::session::Session;
use crate::store::token::{SingleUse, SingleUseKind};
use crate::store::user::User;
use crate::store::workspace::Workspace;
use crate::types::ids::{ClientId, GrantId, SessionId, WorkspaceId};
use crate::types::time::UnixSeconds;

/// A record that is moved.
#[derive(Clone, Debug)]
pub enum Item {
    /// Keys that digest, authenticate and seal.
    DataKeys(SealedDataKeys),
    /// A workspace.
    Workspace(Workspace),
    /// A signing key.
    SigningKey(WorkspaceId, SigningKey),
    /// An entry of a scope registry.
    Scope(WorkspaceId, ScopeEntry),
    /// A client.
    Client(WorkspaceId, Client),
    /// A user, or a mark about a subject.
    User(WorkspaceId, User),
    /// A consent.
    Consent(WorkspaceId, Consent),
    /// A session.
    Session(WorkspaceId, SessionId, Session),
    /// The uses of a policy by a client.
    PolicyUse(WorkspaceId, ClientId, PolicyUse),
    /// A grant.
    Grant(WorkspaceId, GrantId, Grant),
    /// A mark on an access token: its `jti`, and its end.
    RevokedToken(WorkspaceId, String, UnixSeconds),
    /// What was used up.
    SingleUse(WorkspaceId, SingleUse),
}

impl Item {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::DataKeys(_) => Kind::DataKeys,
            Self::Workspace(_) => Kind::Workspaces,
            Self::SigningKey(..) => Kind::SigningKeys,
            Self::Scope(..) => Kind::Scopes,
            Self::Client(..) => Kind::Clients,
            Self::User(..) => Kind::Users,
            Self::Consent(..) => Kind::Consents,
            Self::Session(..) => Kind::Sessions,
            Self::PolicyUse(..) => Kind::PolicyUses,
            Self::Grant(..) => Kind::Grants,
            Self::RevokedToken(..) => Kind::RevokedTokens,
            Self::SingleUse(..) => Kind::SingleUses,
        }
    }

    /// The key of its record.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::DataKeys(keys) => vec![keys.id],
            Self::Workspace(workspace) => workspace.id.0.to_vec(),
            Self::SigningKey(workspace, key) => place::within(*workspace, key.kid.as_bytes()),
            Self::Scope(workspace, scope) => place::within(*workspace, scope.name.as_bytes()),
            Self::Client(workspace, client) => place::client(*workspace, &client.id),
            Self::User(workspace, user) => place::user(*workspace, &user.subject),
            Self::Consent(workspace, consent) => place::consent(*workspace, &consent.subject, &consent.client),
            Self::Session(workspace, id, _) => place::session(*workspace, *id),
            Self::PolicyUse(workspace, client, used) => place::policy_use(*workspace, client, used.policy),
            Self::Grant(workspace, id, _) => place::grant(*workspace, *id).to_vec(),
            Self::RevokedToken(workspace, jti, _) => place::within(*workspace, jti.as_bytes()),
            Self::SingleUse(workspace, once) => place::single_use(*workspace, once),
        }
    }
}

/// A record that lies under a key of its own, and is moved with it.
pub trait Moved: Sized {
    /// The record as it is moved; `None` when it does not belong under that key.
    fn moved(self, key: &[u8]) -> Option<Item>;
}

impl Moved for SealedDataKeys {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::DataKeys(self))
    }
}

impl Moved for Workspace {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::Workspace(self))
    }
}

impl Moved for SigningKey {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::SigningKey(split(key)?.0, self))
    }
}

impl Moved for ScopeEntry {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::Scope(split(key)?.0, self))
    }
}

impl Moved for Client {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::Client(split(key)?.0, self))
    }
}

impl Moved for User {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::User(split(key)?.0, self))
    }
}

impl Moved for Consent {
    fn moved(self, key: &[u8]) -> Option<Item> {
        at(key, Item::Consent(split(key)?.0, self))
    }
}

impl Moved for Session {
    fn moved(self, key: &[u8]) -> Option<Item> {
        let (workspace, id) = split(key)?;
        Some(Item::Session(workspace, SessionId(id.try_into().ok()?), self))
    }
}

impl Moved for PolicyUse {
    fn moved(self, key: &[u8]) -> Option<Item> {
        let (workspace, rest) = split(key)?;
        let client = std::str::from_utf8(rest).ok()?.strip_suffix(self.policy.as_str())?;
        Some(Item::PolicyUse(workspace, ClientId::parse(client).ok()?, self))
    }
}

impl Moved for Grant {
    fn moved(self, key: &[u8]) -> Option<Item> {
        let (workspace, id) = split(key)?;
        Some(Item::Grant(workspace, GrantId(id.try_into().ok()?), self))
    }
}

impl Moved for RevokedToken {
    fn moved(self, key: &[u8]) -> Option<Item> {
        let (workspace, jti) = split(key)?;
        Some(Item::RevokedToken(workspace, String::from_utf8(jti.to_vec()).ok()?, self.until))
    }
}

impl Moved for UsedUp {
    fn moved(self, key: &[u8]) -> Option<Item> {
        let (workspace, rest) = split(key)?;
        let (kind, rest) = rest.split_first()?;
        let kind = match kind {
            1 => SingleUseKind::Assertion,
            2 => SingleUseKind::DpopProof,
            _ => return None,
        };
        let id = *rest.first_chunk::<32>()?;
        at(key, Item::SingleUse(workspace, SingleUse { kind, id, until: self.until }))
    }
}

/// The item, if its key is that one.
fn at(key: &[u8], item: Item) -> Option<Item> {
    (item.key() == key).then_some(item)
}

/// The workspace that a key begins with, and the rest.
fn split(key: &[u8]) -> Option<(WorkspaceId, &[u8])> {
    key.split_first_chunk::<16>().map(|(id, rest)| (WorkspaceId(*id), rest))
}
