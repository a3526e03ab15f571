//! Floor 1: the store port.  What is kept, and the operations on it.
//!
//! Every operation is atomic, linearizable per key, and durable when it returns: an answer means
//! that the change is on stable storage.  An operation that cannot keep that promise fails with
//! [`StoreError::Unavailable`], and the store stays unhealthy.  A read never shows what a crash
//! could still undo.  An operation whose future is dropped is finished by the store all the same.

use async_trait::async_trait;
use tokio::sync::watch;

use crate::types::ids::{ClientId, GrantId, SessionId, Subject, WorkspaceId};
use crate::types::time::UnixSeconds;

pub mod client;
pub mod codec;
pub mod consent;
pub mod dump;
pub mod feed;
pub mod grant;
pub mod key;
pub mod moving;
pub mod place;
pub mod policy_use;
pub mod postgres;
pub mod scope;
pub mod session;
pub mod sled;
pub mod standing;
pub mod token;
pub mod user;
pub mod workspace;

use client::Client;
use consent::Consent;
use feed::{Feed, FeedVersion};
use grant::Grant;
use key::{SealedDataKeys, SigningKey};
use policy_use::PolicyUse;
use scope::ScopeEntry;
use session::Session;
use standing::Standing;
use token::{IssuedToken, SingleUse};
use user::User;
use workspace::Workspace;

/// Where jeton keeps what must survive.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Keeps a new workspace and its first signing key, both or neither: none is ever seen without
    /// one.  `false` when its name or id is taken.
    async fn insert_workspace(&self, workspace: &Workspace, first_key: &SigningKey) -> Result<bool, StoreError>;
    /// Every workspace, in the order of their names.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError>;
    /// Replaces a workspace if it still has the revision `expected`.  The name never changes.
    async fn replace_workspace(&self, expected: u64, workspace: &Workspace) -> Result<Replaced, StoreError>;
    /// Removes a workspace and, in bounded steps afterwards, what is in it; `false` when there was
    /// none.  A crash in between leaves only what nothing can reach, because ids are not used again.
    async fn delete_workspace(&self, workspace: WorkspaceId) -> Result<bool, StoreError>;

    /// Keeps a new client; `false` when its id is taken.
    async fn insert_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError>;
    /// One client.
    async fn client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<Option<Client>, StoreError>;
    /// Up to `limit` clients in the order of their ids, beginning behind `after`.
    async fn clients(&self, workspace: WorkspaceId, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError>;
    /// Up to `limit` clients that a person registered, in the order of their ids, beginning behind `after`.
    async fn clients_of(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError>;
    /// Replaces a client if it still has the revision `expected`.  Its owner never changes.
    async fn replace_client(&self, workspace: WorkspaceId, expected: u64, client: &Client) -> Result<Replaced, StoreError>;
    /// Removes a client; `false` when there was none.
    async fn delete_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError>;

    /// Keeps a new user; `false` when the subject is taken.
    async fn insert_user(&self, workspace: WorkspaceId, user: &User) -> Result<bool, StoreError>;
    /// One user.
    async fn user(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Option<User>, StoreError>;
    /// Up to `limit` users in the order of their subjects, beginning behind `after`.
    async fn users(&self, workspace: WorkspaceId, after: Option<&Subject>, limit: usize) -> Result<Vec<User>, StoreError>;
    /// Replaces a user if it still has the revision `expected`.
    async fn replace_user(&self, workspace: WorkspaceId, expected: u64, user: &User) -> Result<Replaced, StoreError>;

    /// Keeps a new session; `false` when its id is taken.
    async fn insert_session(&self, workspace: WorkspaceId, id: SessionId, session: &Session) -> Result<bool, StoreError>;
    /// One session.
    async fn session(&self, workspace: WorkspaceId, id: SessionId) -> Result<Option<Session>, StoreError>;
    /// Ends a session; `false` when there was none.
    async fn delete_session(&self, workspace: WorkspaceId, id: SessionId) -> Result<bool, StoreError>;

    /// Keeps a new consent; `false` when the person has one for the client already.
    async fn insert_consent(&self, workspace: WorkspaceId, consent: &Consent) -> Result<bool, StoreError>;
    /// What a person allowed a client.
    async fn consent(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Option<Consent>, StoreError>;
    /// Everything that a person allowed or withdrew, in the order of the clients' ids.
    async fn consents(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Vec<Consent>, StoreError>;
    /// Replaces a consent if it still has the revision `expected`.
    async fn replace_consent(&self, workspace: WorkspaceId, expected: u64, consent: &Consent) -> Result<Replaced, StoreError>;

    /// What a grant of a person rests on: one look at the person and at what they allowed a client.
    async fn standing(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Standing, StoreError>;

    /// Keeps an entry of the scope registry, in place of the one of its name.
    async fn put_scope(&self, workspace: WorkspaceId, scope: &ScopeEntry) -> Result<(), StoreError>;
    /// The scope registry, in the order of the names.
    async fn scopes(&self, workspace: WorkspaceId) -> Result<Vec<ScopeEntry>, StoreError>;
    /// Removes an entry of the scope registry; `false` when there was none.
    async fn delete_scope(&self, workspace: WorkspaceId, name: &str) -> Result<bool, StoreError>;

    /// Adds to the uses of a policy by a client.  Repeating a call adds again.
    async fn add_policy_use(&self, workspace: WorkspaceId, client: &ClientId, used: &PolicyUse) -> Result<(), StoreError>;
    /// The uses of policies by a client.
    async fn policy_uses(&self, workspace: WorkspaceId, client: &ClientId) -> Result<Vec<PolicyUse>, StoreError>;

    /// Keeps a new signing key; `false` when its kid or its serial is taken, so that of processes that
    /// make the next key at once exactly one does.
    async fn insert_signing_key(&self, workspace: WorkspaceId, key: &SigningKey) -> Result<bool, StoreError>;
    /// A workspace's signing keys, in no order.
    async fn signing_keys(&self, workspace: WorkspaceId) -> Result<Vec<SigningKey>, StoreError>;
    /// Removes a signing key; `false` when there was none.
    async fn delete_signing_key(&self, workspace: WorkspaceId, kid: &str) -> Result<bool, StoreError>;

    /// Keeps new data keys; `false` when their id is taken.
    async fn insert_data_keys(&self, keys: &SealedDataKeys) -> Result<bool, StoreError>;
    /// Every generation of data keys, in the order of their ids.
    async fn data_keys(&self) -> Result<Vec<SealedDataKeys>, StoreError>;

    /// Keeps a new grant; `false` when its id is taken.
    async fn insert_grant(&self, workspace: WorkspaceId, id: GrantId, grant: &Grant) -> Result<bool, StoreError>;
    /// One grant, with the version that [`Store::swap_grant`] asks for.
    async fn grant(&self, workspace: WorkspaceId, id: GrantId) -> Result<Option<Versioned<Grant>>, StoreError>;
    /// Replaces a grant if it is still at `version`: of all callers that name one version, exactly
    /// one gets `true`.
    async fn swap_grant(&self, workspace: WorkspaceId, id: GrantId, version: &Version, next: &Grant) -> Result<bool, StoreError>;

    /// Marks one access token as revoked until its own end.  Marking twice is marking once.
    async fn revoke_token(&self, workspace: WorkspaceId, jti: &str, until: UnixSeconds) -> Result<(), StoreError>;
    /// Whether an access token still stands: it was not marked, its grant was not revoked, and neither
    /// the person nor their consent was withdrawn since the grant was made.  Answered from memory where the
    /// store is shared; then what another process withdrew counts once [`Store::changes`] was read.
    async fn token_stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> Result<bool, StoreError>;
    /// Uses something up; `false` when it was used before, by whichever process.
    async fn first_use(&self, workspace: WorkspaceId, once: &SingleUse) -> Result<bool, StoreError>;

    /// Whether other processes may change this store too, so that what is in memory is good only as long
    /// as the feed is followed.
    fn shared(&self) -> bool;
    /// Where the feed is now.
    async fn feed_version(&self) -> Result<FeedVersion, StoreError>;
    /// What changed behind a version, by whichever process, about `limit` changes of it.  For a shared store the
    /// answer itself is a durable write: who gets one was connected to the store that counts.
    async fn changes(&self, after: FeedVersion, limit: usize) -> Result<Feed, StoreError>;
    /// Changes when [`Store::changes`] may have something new.  A hint: it may be missed, or say so for nothing.
    fn feed_hint(&self) -> watch::Receiver<u64>;

    /// Looks at up to `limit` records, continuing where the last call stopped, and removes those
    /// that are past their end.  Nothing correct depends on it.
    async fn sweep(&self, now: UnixSeconds, limit: usize) -> Result<Swept, StoreError>;

    /// Whether answers can still be made durable.
    fn health(&self) -> watch::Receiver<Health>;
    /// What the store weighs.
    async fn size(&self) -> Result<Size, StoreError>;
    /// Makes everything durable and stops.  Later operations fail.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Names a record's exact content, so that a change can be refused when it is no longer that.
#[derive(Clone, Debug)]
pub struct Version(pub Vec<u8>);

/// A record and its version.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The record.
    pub record: T,
    /// What it must still be when it is replaced.
    pub version: Version,
}

/// What became of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is in place.
    Done,
    /// The record has another revision now.
    Changed,
    /// There is no such record.
    Missing,
}

/// What a step of [`Store::sweep`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many records went.
    pub removed: usize,
    /// Whether the round is not over yet.
    pub more: bool,
}

/// What the store weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes that are still free where it lies; `None` for a store that lies elsewhere.
    pub free_bytes: Option<u64>,
}

/// Whether the store keeps its promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Serving,
    /// Little space is left: no new grants, so that what exists can still be ended.
    NearlyFull,
    /// It cannot be reached, or is not known to be up to date; why.  This passes.
    Unreachable(String),
    /// It cannot make changes durable any more; why.  For good in one process.
    Failed(String),
}

/// Why an operation did not happen.  After `Unavailable` it is not known whether it did.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The change could not be made durable.
    #[error("the store cannot make changes durable: {0}")]
    Unavailable(String),
    /// A record on disk is not what was written.
    #[error("a record of {tree} is damaged (key {key}): restore a backup")]
    Damaged {
        /// The kind of record.
        tree: &'static str,
        /// A hash of its key.
        key: String,
    },
    /// The record is larger than one may be (4 KiB).
    #[error("the record is {bytes} bytes, and may be at most {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The store cannot be opened as it is; what to do about it.
    #[error("{0}")]
    Refused(String),
}
