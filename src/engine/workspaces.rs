//! The workspaces and their key rings, wholly in memory: a token needs no look-up for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::engine::settings::Settings;
use crate::keys::ring::KeyRing;
use crate::store::workspace::Workspace;
use crate::types::ids::WorkspaceName;
use crate::types::lifetime::Lifetimes;

/// A workspace as the rules see it.
#[derive(Clone, Debug)]
pub struct WorkspaceEntry {
    /// As kept.
    pub record: Workspace,
    /// Its issuer identifier.
    pub issuer: String,
    /// Its signing keys.
    pub keys: KeyRing,
}

impl WorkspaceEntry {
    /// The lifetimes of a client: its own, the workspace's, the server's.
    #[must_use]
    pub fn lifetimes(&self, client: Lifetimes, settings: &Settings) -> EffectiveLifetimes {
        let chosen = client.or(self.record.lifetimes);
        EffectiveLifetimes {
            access_token: chosen.access_token.unwrap_or(settings.access_token_lifetime),
            refresh_idle: chosen.refresh_idle.unwrap_or(settings.refresh_idle_lifetime),
            refresh_absolute: chosen.refresh_absolute.unwrap_or(settings.refresh_absolute_lifetime),
        }
    }
}

/// Lifetimes in seconds, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveLifetimes {
    /// Access tokens.
    pub access_token: i64,
    /// Refresh tokens that are not used.
    pub refresh_idle: i64,
    /// Grants.
    pub refresh_absolute: i64,
}

/// The issuer identifier of a workspace (RFC 8414 section 2).
#[must_use]
pub fn issuer_of(settings: &Settings, name: &WorkspaceName) -> String {
    if name.default() { settings.issuer.clone() } else { format!("{}/{name}", settings.issuer) }
}

type Map = BTreeMap<WorkspaceName, Arc<WorkspaceEntry>>;

/// Every workspace by its name.  Readers never wait; writers take turns.
#[derive(Debug, Default)]
pub struct Workspaces {
    map: ArcSwap<Map>,
    writing: Mutex<()>,
}

impl Workspaces {
    /// One workspace.
    #[must_use]
    pub fn get(&self, name: &WorkspaceName) -> Option<Arc<WorkspaceEntry>> {
        self.map.load().get(name).cloned()
    }

    /// Every workspace, in the order of the names.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<WorkspaceEntry>> {
        self.map.load().values().cloned().collect()
    }

    /// Keeps other writers out until the guard is dropped: store first, then [`Workspaces::put`].
    pub async fn write(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// Shows an entry to readers, in place of the one with its name.
    pub fn put(&self, _writing: &tokio::sync::MutexGuard<'_, ()>, entry: WorkspaceEntry) {
        let mut map = Map::clone(&self.map.load());
        map.insert(entry.record.name.clone(), Arc::new(entry));
        self.map.store(Arc::new(map));
    }

    /// Shows these entries to readers, and no others.
    pub fn replace_all(&self, _writing: &tokio::sync::MutexGuard<'_, ()>, entries: Vec<Arc<WorkspaceEntry>>) {
        let map = entries.into_iter().map(|entry| (entry.record.name.clone(), entry)).collect::<Map>();
        self.map.store(Arc::new(map));
    }

    /// Hides a workspace from readers.
    pub fn remove(&self, _writing: &tokio::sync::MutexGuard<'_, ()>, name: &WorkspaceName) {
        let mut map = Map::clone(&self.map.load());
        map.remove(name);
        self.map.store(Arc::new(map));
    }
}
