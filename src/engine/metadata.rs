//! What clients and verifiers may know of a workspace: RFC 8414 metadata and RFC 7517 keys.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::ring::RingKey;
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceName;

/// The longest that a key set may be cached, in seconds.
const MAX_JWKS_AGE: i64 = 900;

const UNKNOWN: Refusal = Refusal::NotFound("there is no such workspace");

impl Engine {
    /// The workspace that metadata is asked of.  Answered as long as the process lives, like the keys, so
    /// that verifiers go on: what is said here is good for longer than a replica may be out of date.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn described_workspace(&self, name: &WorkspaceName) -> Result<Arc<WorkspaceEntry>, Refusal> {
        self.workspaces.get(name).ok_or(UNKNOWN)
    }

    /// The keys that verify a workspace's tokens, and how long the answer may be cached: never longer
    /// than a new key is announced, so that no verifier meets an unknown one.
    ///
    /// # Errors
    /// `NotFound` if there is no such workspace.
    pub fn published_keys(&self, name: &WorkspaceName) -> Result<(Vec<RingKey>, i64), Refusal> {
        let workspace = self.described_workspace(name)?;
        let keys = workspace.keys.published(self.now()).cloned().collect();
        Ok((keys, self.settings.key_announce.min(MAX_JWKS_AGE)))
    }
}
