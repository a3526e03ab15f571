//! Rotating signing keys, by command and by schedule.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::MutexGuard;
use tracing::{info, warn};

use crate::engine::Engine;
use crate::engine::trusted::Administrator;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::ring::{KeyState, KeyTimes, RingKey, new_signing_key};
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::time::UnixSeconds;

const CHANGED: Refusal =
    Refusal::Changed("another key was made meanwhile: look at the keys, and rotate again when that is needed still");

/// When a rotation takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationMode {
    /// After the announce time, so that no verifier meets an unknown key.
    Announced,
    /// At once; with several replicas as soon as each of them that still serves publishes the key, so that a
    /// verifier who fetches the keys anew finds it at whichever replica it asks.
    Now,
    /// At once, and every other key is dropped: the tokens they signed end.  Not even for the other replicas
    /// is waited: every second of the old key is one in which somebody else may sign with it.
    Compromised,
}

impl Engine {
    /// A workspace's keys that are published now, the oldest first, and the present.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn list_keys(&self, _caller: Administrator, name: &WorkspaceName) -> Result<(Vec<RingKey>, UnixSeconds), Refusal> {
        let now = self.now();
        Ok((self.described_workspace(name)?.keys.published(now).cloned().collect(), now))
    }

    /// Makes a new signing key.
    ///
    /// # Errors
    /// `NotFound`; `Changed` when another key is announced already, for a second one would retire it
    /// before it ever signed, and when another replica made one at once.
    pub async fn rotate_key(
        &self,
        _caller: Administrator,
        name: &WorkspaceName,
        mode: RotationMode,
    ) -> Result<(RingKey, UnixSeconds), Refusal> {
        let writing = self.workspaces.write().await;
        // As the store has them: a replica that rotated just now has made the key already.
        let unknown = Refusal::NotFound("there is no such workspace");
        let workspace = self.newest_keys(&writing, name).await?.ok_or(unknown)?;
        let now = self.now();
        let announced = workspace.keys.newest().is_some_and(|key| key.state(now) == KeyState::Announced);
        if announced && mode == RotationMode::Announced {
            return Err(Refusal::Changed("a new key is announced already: wait until it is active, or rotate now"));
        }
        let entry = self.add_key(&writing, &workspace, mode, now).await?.ok_or(CHANGED)?;
        let key = entry.keys.newest().cloned().ok_or_else(|| OAuthError::server_error("the new key is not in the ring"))?;
        warn!(workspace = %name, kid = key.key.kid(), active_from = key.active_from.0, ?mode, "signing key rotated");
        Ok((key, now))
    }

    /// Makes the next key of every workspace whose newest has signed for the scheduled time, and
    /// removes keys whose tokens have all ended.  Called now and then, on every replica; nothing correct
    /// depends on when, and of replicas that do it at once one makes the key.
    ///
    /// # Errors
    /// Those of the store; what was done before stays done.
    pub async fn run_key_schedule(&self) -> Result<(), Refusal> {
        for workspace in self.workspaces.all() {
            let writing = self.workspaces.write().await;
            let name = &workspace.record.name;
            let nothing_to_do = |entry: &WorkspaceEntry| !self.next_key_due(entry) && removed(entry, self.now()).next().is_none();
            if self.workspaces.get(name).is_none_or(|entry| nothing_to_do(&entry)) {
                continue;
            }
            // Another replica may have done it meanwhile.
            self.reload_rings(&writing, &BTreeSet::from([workspace.record.id])).await?;
            let Some(workspace) = self.workspaces.get(name) else { continue };
            for key in removed(&workspace, self.now()) {
                self.store.delete_signing_key(workspace.record.id, key.key.kid()).await?;
            }
            let made = match self.next_key_due(&workspace) {
                true => self.add_key(&writing, &workspace, RotationMode::Announced, self.now()).await?,
                false => None,
            };
            match made {
                Some(_) => info!(workspace = %name, "the next signing key is announced"),
                None => self.reload_rings(&writing, &BTreeSet::from([workspace.record.id])).await?,
            }
        }
        Ok(())
    }

    fn next_key_due(&self, workspace: &WorkspaceEntry) -> bool {
        let interval = self.settings.key_rotation_interval;
        workspace.keys.newest().is_some_and(|key| interval > 0 && self.now() >= key.active_from.plus(interval))
    }

    /// Makes a key and shows the new ring; `None` when another replica made one at once.
    async fn add_key(
        &self,
        writing: &MutexGuard<'_, ()>,
        workspace: &WorkspaceEntry,
        mode: RotationMode,
        now: UnixSeconds,
    ) -> Result<Option<Arc<WorkspaceEntry>>, Refusal> {
        let id = workspace.record.id;
        let active_from = match mode {
            RotationMode::Announced => now.plus(self.settings.key_announce.max(self.until_replicas_know())),
            RotationMode::Now => now.plus(self.until_replicas_know()),
            RotationMode::Compromised => now,
        };
        let serial = workspace.keys.all().map(|old| old.serial).max().unwrap_or_default().saturating_add(1);
        let times = KeyTimes { announced_at: now, active_from, serial };
        let key = new_signing_key(id, times, self.data_keys.newest(), &*self.entropy)?;
        let made = self.store.insert_signing_key(id, &key).await?;
        let announced = |old: &&RingKey| old.state(now) == KeyState::Announced;
        // A key that is announced for later would take over from one that signs now.
        let dropped: Vec<String> = match mode {
            _ if !made => Vec::new(),
            RotationMode::Announced => Vec::new(),
            RotationMode::Now => workspace.keys.all().filter(announced).map(|old| old.key.kid().to_owned()).collect(),
            RotationMode::Compromised => workspace.keys.all().map(|old| old.key.kid().to_owned()).collect(),
        };
        for kid in dropped {
            self.store.delete_signing_key(id, &kid).await?;
        }
        self.reload_rings(writing, &BTreeSet::from([id])).await?;
        Ok(self.workspaces.get(&workspace.record.name).filter(|_| made))
    }

    /// Seconds until every replica that still serves knows what is committed now: one that does not has
    /// stopped by then.  One more, for instants are whole seconds.
    fn until_replicas_know(&self) -> i64 {
        match &self.freshness {
            Some(_) => i64::try_from(self.settings.staleness.as_secs()).unwrap_or(i64::MAX).saturating_add(1),
            None => 0,
        }
    }
}

/// The keys whose tokens have all ended.
fn removed(workspace: &WorkspaceEntry, now: UnixSeconds) -> impl Iterator<Item = &RingKey> {
    workspace.keys.all().filter(move |key| key.state(now) == KeyState::Removed)
}
