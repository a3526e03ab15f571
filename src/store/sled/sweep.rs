//! Removing what is over: expired records, and what deleted workspaces left.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use ::sled::IVec;

use crate::store::client::Client;
use crate::store::codec::{self, OwnedClient, Record, RevokedToken, UsedUp};
use crate::store::consent::Consent;
use crate::store::grant::Grant;
use crate::store::key::SigningKey;
use crate::store::policy_use::PolicyUse;
use crate::store::scope::ScopeEntry;
use crate::store::session::Session;
use crate::store::sled::SledStore;
use crate::store::sled::commit::Ticket;
use crate::store::sled::table::Table;
use crate::store::user::User;
use crate::store::{StoreError, Swept};
use crate::types::ids::WorkspaceId;
use crate::types::time::UnixSeconds;

/// How many records of each kind of a deleted workspace go before the deletion is answered; sweeping removes the
/// rest.
const AT_ONCE: usize = 200;

/// Where the last step stopped.  A new process begins again, which costs only time.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    stage: Stage,
    after: Option<IVec>,
}

/// What is looked at, in this order.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Grants,
    RevokedTokens,
    SingleUses,
    Clients,
    Users,
    SigningKeys,
    Sessions,
    Consents,
    Scopes,
    PolicyUses,
    Owned,
}

impl Stage {
    fn next(self) -> Option<Self> {
        match self {
            Self::Grants => Some(Self::RevokedTokens),
            Self::RevokedTokens => Some(Self::SingleUses),
            Self::SingleUses => Some(Self::Clients),
            Self::Clients => Some(Self::Users),
            Self::Users => Some(Self::SigningKeys),
            Self::SigningKeys => Some(Self::Sessions),
            Self::Sessions => Some(Self::Consents),
            Self::Consents => Some(Self::Scopes),
            Self::Scopes => Some(Self::PolicyUses),
            Self::PolicyUses => Some(Self::Owned),
            Self::Owned => None,
        }
    }
}

/// A record that can be past its end.
trait Ends: Record {
    /// Its end, if it has one.
    fn end(&self) -> Option<UnixSeconds>;
}

impl Ends for Grant {
    fn end(&self) -> Option<UnixSeconds> {
        Some(self.expires_at())
    }
}

impl Ends for RevokedToken {
    fn end(&self) -> Option<UnixSeconds> {
        Some(self.until)
    }
}

impl Ends for UsedUp {
    fn end(&self) -> Option<UnixSeconds> {
        Some(self.until)
    }
}

impl Ends for Client {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

impl Ends for User {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

impl Ends for SigningKey {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

impl Ends for Session {
    fn end(&self) -> Option<UnixSeconds> {
        Some(self.expires_at)
    }
}

impl Ends for Consent {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

impl Ends for ScopeEntry {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

impl Ends for PolicyUse {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

impl Ends for OwnedClient {
    fn end(&self) -> Option<UnixSeconds> {
        None
    }
}

/// What one step over one tree did.
struct Step<'a> {
    looked: usize,
    removed: usize,
    after: Option<IVec>,
    /// Of the newest removal: the batches before it are durable when its own is.
    ticket: Option<Ticket<'a>>,
}

impl SledStore {
    /// Goes on with the round where it stopped.
    pub(super) async fn sweep_step(&self, now: UnixSeconds, limit: usize) -> Result<Swept, StoreError> {
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut swept = Swept { removed: 0, more: true };
        let mut left = limit;
        while left > 0 && swept.more {
            let Cursor { stage, after } = &cursor;
            let step = match stage {
                Stage::Grants => self.pass(&self.grants, after.as_deref(), now, left)?,
                Stage::RevokedTokens => self.pass(&self.revoked_tokens, after.as_deref(), now, left)?,
                Stage::SingleUses => self.pass(&self.single_uses, after.as_deref(), now, left)?,
                Stage::Clients => self.pass(&self.clients, after.as_deref(), now, left)?,
                Stage::Users => self.pass(&self.users, after.as_deref(), now, left)?,
                Stage::SigningKeys => self.pass(&self.signing_keys, after.as_deref(), now, left)?,
                Stage::Sessions => self.pass(&self.sessions, after.as_deref(), now, left)?,
                Stage::Consents => self.pass(&self.consents, after.as_deref(), now, left)?,
                Stage::Scopes => self.pass(&self.scopes, after.as_deref(), now, left)?,
                Stage::PolicyUses => self.pass(&self.policy_uses, after.as_deref(), now, left)?,
                Stage::Owned => self.pass(&self.owned, after.as_deref(), now, left)?,
            };
            if let Some(ticket) = step.ticket {
                ticket.durable().await?;
            }
            swept.removed = swept.removed.saturating_add(step.removed);
            let through = step.looked < left;
            left = left.saturating_sub(step.looked);
            cursor = match (through, stage.next()) {
                (false, _) => Cursor { stage: *stage, after: step.after },
                (true, Some(stage)) => Cursor { stage, after: None },
                (true, None) => {
                    swept.more = false;
                    Cursor::default()
                }
            };
            *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = cursor.clone();
        }
        Ok(swept)
    }

    /// Removes the first records of a workspace that exists no longer.
    pub(super) async fn clear(&self, workspace: WorkspaceId) -> Result<(), StoreError> {
        // What opens something goes first.
        clear_table(&self.clients, workspace).await?;
        clear_table(&self.signing_keys, workspace).await?;
        clear_table(&self.users, workspace).await?;
        clear_table(&self.grants, workspace).await?;
        clear_table(&self.sessions, workspace).await?;
        clear_table(&self.consents, workspace).await?;
        clear_table(&self.scopes, workspace).await?;
        clear_table(&self.policy_uses, workspace).await?;
        clear_table(&self.owned, workspace).await?;
        clear_table(&self.single_uses, workspace).await?;
        clear_table(&self.revoked_tokens, workspace).await
    }

    fn pass<'a, R: Ends>(
        &self,
        table: &'a Table<R>,
        after: Option<&[u8]>,
        now: UnixSeconds,
        limit: usize,
    ) -> Result<Step<'a>, StoreError> {
        let entries = table.entries(&[], after, limit)?;
        let mut step = Step { looked: entries.len(), removed: 0, after: None, ticket: None };
        let mut exists: BTreeMap<WorkspaceId, bool> = BTreeMap::new();
        for (key, bytes) in entries {
            let over = match codec::decode::<R>(&key, &bytes) {
                Ok(record) => record.end().is_some_and(|end| end <= now),
                Err(error) => {
                    // Left for a person to look at; the round goes on behind it.
                    tracing::error!(%error, "sweeping met a record that cannot be read");
                    false
                }
            };
            if over || self.orphaned(&key, &mut exists)? {
                // A record that changed since then is looked at in the next round.
                if let Some(ticket) = table.change(&key, Some(&bytes), None)? {
                    step.removed = step.removed.saturating_add(1);
                    step.ticket = Some(ticket);
                }
            }
            step.after = Some(key);
        }
        Ok(step)
    }

    /// Whether the record's workspace is gone.  Looked up after the record was read: a workspace is
    /// there before anything in it, but for its first key, which appears with it under the lock.
    fn orphaned(&self, key: &[u8], exists: &mut BTreeMap<WorkspaceId, bool>) -> Result<bool, StoreError> {
        let Some((id, _)) = key.split_first_chunk::<16>() else {
            return Ok(false);
        };
        let id = WorkspaceId(*id);
        if let Some(exists) = exists.get(&id) {
            return Ok(!exists);
        }
        let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.workspaces.load(&id.0)?.is_some();
        exists.insert(id, found);
        Ok(!found)
    }
}

async fn clear_table<R: Record>(table: &Table<R>, workspace: WorkspaceId) -> Result<(), StoreError> {
    let mut last = None;
    for (key, bytes) in table.entries(&workspace.0, None, AT_ONCE)? {
        last = table.change(&key, Some(&bytes), None)?.or(last);
    }
    match last {
        Some(ticket) => ticket.durable().await,
        None => Ok(()),
    }
}
