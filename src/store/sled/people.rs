//! What is written whatever stood there before: scope descriptions and counts.

use crate::store::StoreError;
use crate::store::consent::Consent;
use crate::store::place;
use crate::store::policy_use::PolicyUse;
use crate::store::scope::ScopeEntry;
use crate::store::sled::SledStore;
use crate::store::sled::table::Revised;
use crate::types::ids::{ClientId, WorkspaceId};

impl Revised for Consent {
    fn revision(&self) -> u64 {
        self.revision
    }
}

impl SledStore {
    pub(super) async fn replace_scope(&self, workspace: WorkspaceId, scope: &ScopeEntry) -> Result<(), StoreError> {
        let key = place::within(workspace, scope.name.as_bytes());
        loop {
            let written = match self.scopes.load(&key)? {
                None => self.scopes.insert(&key, scope).await?,
                Some(before) => self.scopes.swap(&key, &before.bytes, scope).await?,
            };
            if written {
                return Ok(());
            }
        }
    }

    pub(super) async fn add_use(&self, workspace: WorkspaceId, client: &ClientId, used: &PolicyUse) -> Result<(), StoreError> {
        let key = place::policy_use(workspace, client, used.policy);
        loop {
            let added = match self.policy_uses.load(&key)? {
                None => self.policy_uses.insert(&key, used).await?,
                Some(before) => {
                    let sum = PolicyUse {
                        policy: used.policy,
                        count: before.record.count.saturating_add(used.count),
                        last_used_at: before.record.last_used_at.max(used.last_used_at),
                    };
                    self.policy_uses.swap(&key, &before.bytes, &sum).await?
                }
            };
            if added {
                return Ok(());
            }
        }
    }
}
