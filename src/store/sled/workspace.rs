//! Workspaces, their names and their first keys: records that are kept in step.

use std::sync::PoisonError;

use crate::store::StoreError;
use crate::store::codec::{self, NameOwner};
use crate::store::feed::Change;
use crate::store::key::SigningKey;
use crate::store::sled::SledStore;
use crate::store::sled::table::Revised;
use crate::store::workspace::Workspace;
use crate::types::ids::WorkspaceId;

impl Revised for Workspace {
    fn revision(&self) -> u64 {
        self.revision
    }
}

impl SledStore {
    /// The workspace's own record is written last: a crash before it leaves a name whose workspace
    /// does not exist, and such a name is free, and a key that sweeping removes.
    pub(super) async fn add_workspace(&self, workspace: &Workspace, first_key: &SigningKey) -> Result<bool, StoreError> {
        let key = workspace.id.0;
        let name = workspace.name.as_str().as_bytes();
        let record = codec::encode(&key, workspace)?;
        let owner = codec::encode(name, &NameOwner(workspace.id))?;
        let key_key = [key.as_slice(), first_key.kid.as_bytes()].concat();
        let key_record = codec::encode(&key_key, first_key)?;
        let ticket = {
            // Without it, another one could take the name over before the record is there.
            let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.names.load(name)?;
            let taken = match &before {
                Some(before) => self.workspaces.load(&before.record.0.0)?.is_some(),
                None => false,
            };
            if taken || self.workspaces.load(&key)?.is_some() {
                None
            } else {
                // All are in memory before a ticket is waited for, and the last one's batch has all.
                drop(self.names.change(name, before.as_ref().map(|before| &*before.bytes), Some(owner))?);
                drop(self.signing_keys.change(&key_key, None, Some(key_record))?);
                self.workspaces.change_and_tell(&key, None, Some(record), Some(Change::Workspace(workspace.id)))?
            }
        };
        match ticket {
            Some(ticket) => ticket.durable().await.map(|()| true),
            None => {
                self.names.settle(name).await?;
                self.workspaces.settle(&key).await?;
                Ok(false)
            }
        }
    }

    /// In the order of the names.
    pub(super) async fn all_workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let mut workspaces: Vec<Workspace> = self.workspaces.scan(&[], None, usize::MAX).await?;
        workspaces.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(workspaces)
    }

    /// The record goes first, so that its name is free from then on.
    pub(super) async fn remove_workspace(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let key = workspace.0;
        let ticket = {
            let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                let Some(loaded) = self.workspaces.load(&key)? else {
                    break None;
                };
                // Lost only against a replacement: the newer record goes.
                let told = Some(Change::Workspace(workspace));
                let Some(removed) = self.workspaces.change_and_tell(&key, Some(&loaded.bytes), None, told)? else {
                    continue;
                };
                let name = loaded.record.name.as_str().as_bytes();
                let owner = self.names.load(name)?.filter(|owner| owner.record.0 == workspace);
                let freed = match owner {
                    Some(owner) => self.names.change(name, Some(&owner.bytes), None)?,
                    None => None,
                };
                break Some(freed.unwrap_or(removed));
            }
        };
        let Some(ticket) = ticket else {
            self.workspaces.settle(&key).await?;
            return Ok(false);
        };
        ticket.durable().await?;
        self.clear(workspace).await?;
        Ok(true)
    }
}
