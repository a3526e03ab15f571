//! The rows of the change feed.

use crate::store::feed::Change;
use crate::types::ids::{ClientId, GrantId, Subject, WorkspaceId};
use crate::types::lifetime::MAX_ACCESS_TOKEN_LIFETIME;
use crate::types::time::{UnixMillis, UnixSeconds};

/// How many parts the short-lived tables have, as the migrations make them.
pub const SLOTS: i64 = 16;
/// How long a part is filled, in seconds: with all of them more than a day, the longest life of an access token,
/// and the time to empty one.
pub const SLOT_SECONDS: i64 = 7200;
/// How long a change stays in the feed: a mark says nothing new once every token that it is about has ended.
/// An hour more, because the clocks of replicas differ.
pub const KEPT_SECONDS: i64 = MAX_ACCESS_TOKEN_LIFETIME + 3600;

/// The part that a moment lies in.
#[must_use]
pub fn slot_of(at: UnixSeconds) -> i16 {
    i16::try_from(at.0.div_euclid(SLOT_SECONDS).rem_euclid(SLOTS)).unwrap_or_default()
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A workspace changed.
    Workspace,
    /// A signing key came or went.
    SigningKeys,
    /// A client changed.
    Client,
    /// An access token was revoked: its `jti`, and its end as the value.
    Token,
    /// A grant was revoked: its id.
    Grant,
    /// What was granted for a subject up to a moment has ended.
    Subject,
    /// What a subject allowed a client up to a moment has ended.
    Consent,
}

impl ChangeKind {
    /// As it is written.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::Workspace => 1,
            Self::SigningKeys => 2,
            Self::Client => 3,
            Self::Token => 10,
            Self::Grant => 11,
            Self::Subject => 12,
            Self::Consent => 13,
        }
    }

    /// As it was written; `None` for what a newer jeton wrote.
    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Workspace, Self::SigningKeys, Self::Client, Self::Token, Self::Grant, Self::Subject, Self::Consent]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// A row to be, or one that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// What it is about.
    pub kind: ChangeKind,
    /// The workspace it is in.
    pub workspace: WorkspaceId,
    /// Which of them.
    pub key: Vec<u8>,
    /// Unix seconds of a token's end, or Unix milliseconds up to which something has ended.
    pub value: i64,
}

impl ChangeRow {
    /// A workspace changed.
    #[must_use]
    pub fn workspace(workspace: WorkspaceId) -> Self {
        Self { kind: ChangeKind::Workspace, workspace, key: Vec::new(), value: 0 }
    }

    /// A signing key came or went.
    #[must_use]
    pub fn signing_keys(workspace: WorkspaceId) -> Self {
        Self { kind: ChangeKind::SigningKeys, workspace, key: Vec::new(), value: 0 }
    }

    /// A client changed.
    #[must_use]
    pub fn client(workspace: WorkspaceId, client: &ClientId) -> Self {
        Self { kind: ChangeKind::Client, workspace, key: client.as_str().as_bytes().to_vec(), value: 0 }
    }

    /// An access token was revoked.
    #[must_use]
    pub fn token(workspace: WorkspaceId, jti: &str, until: UnixSeconds) -> Self {
        Self { kind: ChangeKind::Token, workspace, key: jti.as_bytes().to_vec(), value: until.0 }
    }

    /// A grant was revoked.
    #[must_use]
    pub fn grant(workspace: WorkspaceId, grant: GrantId) -> Self {
        Self { kind: ChangeKind::Grant, workspace, key: grant.0.to_vec(), value: 0 }
    }

    /// What was granted for a subject has ended; with `disabled`, what is granted later as well.
    #[must_use]
    pub fn subject(workspace: WorkspaceId, subject: &Subject, not_before: UnixMillis, disabled: bool) -> Self {
        let value = if disabled { i64::MAX } else { not_before.0 };
        Self { kind: ChangeKind::Subject, workspace, key: subject.as_str().as_bytes().to_vec(), value }
    }

    /// What a subject allowed a client has ended.
    #[must_use]
    pub fn consent(workspace: WorkspaceId, subject: &Subject, client: &ClientId, not_before: UnixMillis) -> Self {
        Self { kind: ChangeKind::Consent, workspace, key: consent_key(subject, client), value: not_before.0 }
    }

    /// What the engine must hear of it.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        match self.kind {
            ChangeKind::Workspace => Some(Change::Workspace(self.workspace)),
            ChangeKind::SigningKeys => Some(Change::SigningKeys(self.workspace)),
            ChangeKind::Client => {
                let id = std::str::from_utf8(&self.key).ok().and_then(|id| ClientId::parse(id).ok());
                id.map(|id| Change::Client(self.workspace, id))
            }
            ChangeKind::Token | ChangeKind::Grant | ChangeKind::Subject | ChangeKind::Consent => None,
        }
    }
}

/// The key of a consent's mark.  No subject has a zero byte.
#[must_use]
pub fn consent_key(subject: &Subject, client: &ClientId) -> Vec<u8> {
    [subject.as_str().as_bytes(), &[0], client.as_str().as_bytes()].concat()
}
