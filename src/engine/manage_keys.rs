//! Rotating signing keys, by command and by schedule.

use std::sync::Arc;

use tracing::{info, warn};

use crate::engine::Engine;
use crate::engine::trusted::Administrator;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::ring::{KeyRing, KeyState, KeyTimes, RingKey, new_signing_key};
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::time::UnixSeconds;

/// When a rotation takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationMode {
    /// After the announce time, so that no verifier meets an unknown key.
    Announced,
    /// At once.
    Now,
    /// At once, and every other key is dropped: the tokens they signed end.
    Compromised,
}

impl Engine {
    /// A workspace's keys that are published now, the oldest first, and the present.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn list_keys(&self, _caller: Administrator, name: &WorkspaceName) -> Result<(Vec<RingKey>, UnixSeconds), Refusal> {
        let now = self.now();
        Ok((self.workspace(name)?.keys.published(now).cloned().collect(), now))
    }

    /// Makes a new signing key.
    ///
    /// # Errors
    /// `NotFound`; `Changed` when another key is announced already, for a second one would retire it
    /// before it ever signed.
    pub async fn rotate_key(
        &self,
        _caller: Administrator,
        name: &WorkspaceName,
        mode: RotationMode,
    ) -> Result<(RingKey, UnixSeconds), Refusal> {
        let writing = self.workspaces.write().await;
        let workspace = self.workspace(name)?;
        let now = self.now();
        let announced = workspace.keys.newest().is_some_and(|key| key.state(now) == KeyState::Announced);
        if announced && mode == RotationMode::Announced {
            return Err(Refusal::Changed("a new key is announced already: wait until it is active, or rotate now"));
        }
        let entry = self.add_key(&workspace, mode, now).await?;
        let key = entry.keys.newest().cloned().ok_or_else(|| OAuthError::server_error("the new key is not in the ring"))?;
        self.workspaces.put(&writing, entry);
        warn!(workspace = %name, kid = key.key.kid(), active_from = key.active_from.0, ?mode, "signing key rotated");
        Ok((key, now))
    }

    /// Makes the next key of every workspace whose newest has signed for the scheduled time, and
    /// removes keys whose tokens have all ended.  Called now and then; nothing correct depends on when.
    ///
    /// # Errors
    /// Those of the store; what was done before stays done.
    pub async fn run_key_schedule(&self) -> Result<(), Refusal> {
        for workspace in self.workspaces.all() {
            let writing = self.workspaces.write().await;
            let Some(workspace) = self.workspaces.get(&workspace.record.name) else { continue };
            let now = self.now();
            let interval = self.settings.key_rotation_interval;
            let due = workspace.keys.newest().is_some_and(|key| interval > 0 && now >= key.active_from.plus(interval));
            let removed: Vec<&RingKey> = workspace.keys.all().filter(|key| key.state(now) == KeyState::Removed).collect();
            for key in &removed {
                self.store.delete_signing_key(workspace.record.id, key.key.kid()).await?;
            }
            if due {
                let entry = self.add_key(&workspace, RotationMode::Announced, now).await?;
                self.workspaces.put(&writing, entry);
                info!(workspace = %workspace.record.name, "the next signing key is announced");
            } else if !removed.is_empty() {
                let entry = self.reload_keys(&workspace).await?;
                self.workspaces.put(&writing, entry);
            }
        }
        Ok(())
    }

    async fn add_key(
        &self,
        workspace: &Arc<WorkspaceEntry>,
        mode: RotationMode,
        now: UnixSeconds,
    ) -> Result<WorkspaceEntry, Refusal> {
        let id = workspace.record.id;
        let active_from = match mode {
            RotationMode::Announced => now.plus(self.settings.key_announce),
            RotationMode::Now | RotationMode::Compromised => now,
        };
        let serial = workspace.keys.all().map(|old| old.serial).max().unwrap_or_default().saturating_add(1);
        let times = KeyTimes { announced_at: now, active_from, serial };
        let key = new_signing_key(id, times, self.data_keys.newest(), &*self.entropy)?;
        self.store.insert_signing_key(id, &key).await?;
        let announced = |old: &&RingKey| old.state(now) == KeyState::Announced;
        // A key that is announced for later would take over from one that signs now.
        let dropped: Vec<String> = match mode {
            RotationMode::Announced => Vec::new(),
            RotationMode::Now => workspace.keys.all().filter(announced).map(|old| old.key.kid().to_owned()).collect(),
            RotationMode::Compromised => workspace.keys.all().map(|old| old.key.kid().to_owned()).collect(),
        };
        for kid in dropped {
            self.store.delete_signing_key(id, &kid).await?;
        }
        self.reload_keys(workspace).await
    }

    async fn reload_keys(&self, workspace: &WorkspaceEntry) -> Result<WorkspaceEntry, Refusal> {
        let kept = self.store.signing_keys(workspace.record.id).await?;
        let keys = KeyRing::open(workspace.record.id, kept, &self.data_keys, self.settings.clock_skew);
        Ok(WorkspaceEntry { keys: keys.map_err(OAuthError::server_error)?, ..workspace.clone() })
    }
}
