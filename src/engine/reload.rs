//! Reading the workspaces and their keys again, as the store has them.
//!
//! Whoever reads holds [`crate::engine::workspaces::Workspaces::write`] from before the reading until the result is shown, as whoever
//! changes a workspace does.  So what is shown is never older than what was shown before, whatever the
//! order in which replicas changed it; revisions need not be compared, and after a store was restored to an
//! earlier state the earlier one counts.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::MutexGuard;

use crate::engine::Engine;
use crate::engine::workspaces::{WorkspaceEntry, issuer_of};
use crate::keys::ring::KeyRing;
use crate::store::StoreError;
use crate::store::workspace::Workspace;
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::{WorkspaceId, WorkspaceName};

/// What is in memory cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum CannotReload {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signing key was sealed otherwise.
    #[error("the signing keys of workspace {0} cannot be opened")]
    Keys(WorkspaceName),
}

impl From<CannotReload> for OAuthError {
    fn from(cause: CannotReload) -> Self {
        match cause {
            CannotReload::Store(cause) => cause.into(),
            CannotReload::Keys(_) => Self::server_error(cause),
        }
    }
}

impl From<CannotReload> for Refusal {
    fn from(cause: CannotReload) -> Self {
        Self::OAuth(cause.into())
    }
}

/// Whose keys are read again, beside those of workspaces that were not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rings {
    /// Every workspace's.
    All,
    /// These workspaces'.
    Of(BTreeSet<WorkspaceId>),
}

impl Rings {
    fn named(&self, workspace: WorkspaceId) -> bool {
        match self {
            Self::All => true,
            Self::Of(some) => some.contains(&workspace),
        }
    }
}

impl Engine {
    /// Shows the workspaces that the store has now, and no others.
    pub(super) async fn reload_workspaces(&self, writing: &MutexGuard<'_, ()>, rings: &Rings) -> Result<(), CannotReload> {
        let mut entries = Vec::new();
        for record in self.store.workspaces().await? {
            let before = self.workspaces.get(&record.name).filter(|entry| entry.record.id == record.id);
            let entry = match before {
                Some(before) if !rings.named(record.id) && before.record == record => Some(before),
                Some(before) if !rings.named(record.id) => Some(Arc::new(WorkspaceEntry { record, ..(*before).clone() })),
                Some(_) | None => self.load_entry(record).await?.map(Arc::new),
            };
            entries.extend(entry);
        }
        self.workspaces.replace_all(writing, entries);
        Ok(())
    }

    /// Shows the keys that the store has now of workspaces that are known.
    pub(super) async fn reload_rings(
        &self,
        writing: &MutexGuard<'_, ()>,
        rings: &BTreeSet<WorkspaceId>,
    ) -> Result<(), CannotReload> {
        for entry in self.workspaces.all().iter().filter(|entry| rings.contains(&entry.record.id)) {
            // When its keys are gone, so is the workspace, and the feed tells of that by itself.
            if let Some(entry) = self.load_entry(entry.record.clone()).await? {
                self.workspaces.put(writing, entry);
            }
        }
        Ok(())
    }

    /// One workspace as the store has it now; `None` when there is none.  Without other replicas it is
    /// what is in memory.
    pub(super) async fn newest_entry(
        &self,
        writing: &MutexGuard<'_, ()>,
        name: &WorkspaceName,
    ) -> Result<Option<Arc<WorkspaceEntry>>, CannotReload> {
        if self.store.shared() {
            self.reload_workspaces(writing, &Rings::Of(BTreeSet::new())).await?;
        }
        Ok(self.workspaces.get(name))
    }

    /// The same with its keys, as the store has them now.
    pub(super) async fn newest_keys(
        &self,
        writing: &MutexGuard<'_, ()>,
        name: &WorkspaceName,
    ) -> Result<Option<Arc<WorkspaceEntry>>, CannotReload> {
        let Some(entry) = self.newest_entry(writing, name).await? else { return Ok(None) };
        self.reload_rings(writing, &BTreeSet::from([entry.record.id])).await?;
        Ok(self.workspaces.get(name))
    }

    /// A workspace with its keys; `None` when it was deleted meanwhile, for none is ever without a key.
    async fn load_entry(&self, record: Workspace) -> Result<Option<WorkspaceEntry>, CannotReload> {
        let kept = self.store.signing_keys(record.id).await?;
        if kept.is_empty() {
            return Ok(None);
        }
        let keys = KeyRing::open(record.id, kept, &self.data_keys, self.settings.clock_skew);
        let keys = keys.map_err(|_| CannotReload::Keys(record.name.clone()))?;
        Ok(Some(WorkspaceEntry { issuer: issuer_of(&self.settings, &record.name), record, keys }))
    }
}
