//! Counting the uses of policies: a metric and a line of the audit log at once, and, some time later,
//! how often and when last, durably, so that an operator sees which ones can be switched off.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tracing::info;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::StoreError;
use crate::store::client::Client;
use crate::store::policy_use::PolicyUse;
use crate::types::ids::{ClientId, WorkspaceId};
use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

type Key = (WorkspaceId, ClientId, Policy);

/// Uses that are not in the store yet.  There are never more entries than policies switched on.
#[derive(Debug, Default)]
pub struct PolicyUses(Mutex<HashMap<Key, PolicyUse>>);

impl PolicyUses {
    fn add(&self, workspace: WorkspaceId, client: ClientId, used: PolicyUse) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = pending.entry((workspace, client, used.policy)).or_insert(PolicyUse { count: 0, ..used });
        sum.count = sum.count.saturating_add(used.count);
        sum.last_used_at = sum.last_used_at.max(used.last_used_at);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take_one(&self) -> Option<(Key, PolicyUse)> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = pending.keys().next()?.clone();
        pending.remove_entry(&key)
    }
}

impl Engine {
    /// Counts and audits a use.
    pub(crate) fn count_policy_use(&self, workspace: &WorkspaceEntry, client: &Client, policy: Policy) {
        metrics::counter!("jeton_policy_uses_total", "policy" => policy.as_str()).increment(1);
        info!(
            target: "jeton::audit",
            event = "policy_used", workspace = %workspace.record.name, client.id = %client.id, %policy,
            "a compatibility policy was used"
        );
        let last_used_at: UnixSeconds = self.now();
        self.policy_uses.add(workspace.record.id, client.id.clone(), PolicyUse { policy, count: 1, last_used_at });
    }

    /// Adds what was counted to the store.
    ///
    /// # Errors
    /// Those of the store; what may not be kept is tried again at the next call, so a use may count
    /// twice after a failure, and none is forgotten.
    pub async fn flush_policy_uses(&self) -> Result<(), StoreError> {
        // One by one: when this future is dropped, no more than the one that the store was given is out of sight.
        for _ in 0..self.policy_uses.len() {
            let Some(((workspace, client, _), used)) = self.policy_uses.take_one() else { break };
            if let Err(cause) = self.store.add_policy_use(workspace, &client, &used).await {
                self.policy_uses.add(workspace, client, used);
                return Err(cause);
            }
        }
        Ok(())
    }
}
