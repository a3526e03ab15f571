//! Watches the disk, so that the store stops taking new things before sled meets a full one.

use std::sync::Arc;

use tokio::sync::watch;

use crate::store::Health;
use crate::store::sled::directory::Directory;

/// The watch.
pub struct Space {
    directory: Arc<Directory>,
    min_free_bytes: u64,
}

impl Space {
    /// Watches where `directory` lies.
    #[must_use]
    pub fn new(directory: Arc<Directory>, min_free_bytes: u64) -> Self {
        Self { directory, min_free_bytes }
    }

    /// Looks, and says so when something changed.
    pub fn look(&self, health: &watch::Sender<Health>) {
        let free_bytes = match self.directory.free_bytes() {
            Ok(free_bytes) => free_bytes,
            Err(error) => {
                tracing::warn!(%error, "free space cannot be read");
                return;
            }
        };
        // An eighth apart, so that it does not change to and fro.
        let enough = self.min_free_bytes.saturating_add(self.min_free_bytes / 8);
        health.send_if_modified(|health| match health {
            Health::Serving if free_bytes < self.min_free_bytes => {
                tracing::error!(free_bytes, self.min_free_bytes, "the disk is nearly full: nothing new is taken");
                *health = Health::NearlyFull;
                true
            }
            Health::NearlyFull if free_bytes >= enough => {
                tracing::info!(free_bytes, "the disk has space again");
                *health = Health::Serving;
                true
            }
            Health::Serving | Health::NearlyFull | Health::Unreachable(_) | Health::Failed(_) => false,
        });
    }
}
