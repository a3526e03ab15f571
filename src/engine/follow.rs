//! Following the change feed: what other replicas changed is in this one's memory no longer.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::sync::{Mutex, watch};

use crate::engine::Engine;
use crate::engine::reload::{CannotReload, Rings};
use crate::store::feed::{Change, Feed, FeedVersion};
use crate::types::ids::WorkspaceId;

/// How many changes are asked for at once.
const AT_ONCE: usize = 500;

/// How far the feed was followed.  Held over a whole step, so that steps take turns.
#[derive(Debug, Default)]
pub struct Follower(Mutex<FeedVersion>);

impl Engine {
    /// Follows the feed to its end.  Then nothing that was committed before the call is judged by its old
    /// state any more; a change of our own, or one that was seen before, does no harm.
    ///
    /// # Errors
    /// When the feed cannot be read, or what changed cannot: what was not applied is tried again by the
    /// next call.
    pub async fn follow_feed(&self) -> Result<(), CannotReload> {
        let followed = self.follow_to_the_end().await;
        if let (Err(cause), Some(freshness)) = (&followed, &self.freshness) {
            freshness.failed(cause.to_string());
        }
        followed
    }

    /// Changes when the feed may have something new; `None` when nobody else changes the store, so that there
    /// is no hurry.
    #[must_use]
    pub fn feed_hint(&self) -> Option<watch::Receiver<u64>> {
        self.store.shared().then(|| self.store.feed_hint())
    }

    /// Reads everything, to follow the feed from there.
    pub(super) async fn begin_following(&self) -> Result<(), CannotReload> {
        let mut version = self.follower.0.lock().await;
        *version = self.reload_everything().await?;
        Ok(())
    }

    async fn follow_to_the_end(&self) -> Result<(), CannotReload> {
        let mut version = self.follower.0.lock().await;
        loop {
            // Before the question: what is committed while it is on its way may be missing in the answer.
            let asked = Instant::now();
            match self.store.changes(*version, AT_ONCE).await? {
                Feed::Changes { changes, upto, more } => {
                    self.apply(changes).await?;
                    *version = upto;
                    if more {
                        continue;
                    }
                    if let Some(freshness) = &self.freshness {
                        freshness.followed(asked);
                    }
                    return Ok(());
                }
                Feed::Lost => *version = self.reload_everything().await?,
            }
        }
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<(), CannotReload> {
        let mut workspaces = false;
        let mut rings: BTreeSet<WorkspaceId> = BTreeSet::new();
        for change in changes {
            match change {
                Change::Workspace(_) => workspaces = true,
                Change::SigningKeys(workspace) => {
                    rings.insert(workspace);
                }
                Change::Client(workspace, client) => self.clients.forget(workspace, client),
            }
        }
        if workspaces {
            let writing = self.workspaces.write().await;
            return self.reload_workspaces(&writing, &Rings::Of(rings)).await;
        }
        if rings.is_empty() {
            return Ok(());
        }
        let writing = self.workspaces.write().await;
        self.reload_rings(&writing, &rings).await
    }

    /// Reads everything again, and answers up to where it is up to date at least.
    async fn reload_everything(&self) -> Result<FeedVersion, CannotReload> {
        let version = self.store.feed_version().await?;
        self.clients.forget_all();
        let writing = self.workspaces.write().await;
        self.reload_workspaces(&writing, &Rings::All).await?;
        Ok(version)
    }
}
