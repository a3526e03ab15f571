//! Clients, and the index of those that a person registered.
//!
//! A client's record is the truth.  Its entry in the index is written before it and removed after it,
//! so that a crash in between leaves at most an entry without a client, and such an entry is passed over.

use crate::store::StoreError;
use crate::store::client::Client;
use crate::store::codec::OwnedClient;
use crate::store::feed::Change;
use crate::store::place;
use crate::store::sled::SledStore;
use crate::types::ids::{ClientId, Subject, WorkspaceId};

impl SledStore {
    pub(super) async fn add_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        if let Some(owner) = &client.owner {
            self.owned.insert(&place::owned(workspace, owner, &client.id), &OwnedClient(client.id.clone())).await?;
        }
        self.clients.insert(&place::client(workspace, &client.id), client).await
    }

    pub(super) async fn remove_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        let key = place::client(workspace, id);
        let owner = self.clients.load(&key)?.and_then(|loaded| loaded.record.owner);
        let told = Some(Change::Client(workspace, id.clone()));
        let removed = self.clients.delete_and_tell(&key, told).await?;
        if let (true, Some(owner)) = (removed, owner) {
            self.owned.delete(&place::owned(workspace, &owner, id)).await?;
        }
        Ok(removed)
    }

    pub(super) async fn owned_clients(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        let after = after.map(|after| place::owned(workspace, owner, after));
        // A person has few, so that a whole look at the entries costs less than stopping in time.
        let entries = self.owned.scan(&place::owned_by(workspace, owner), after.as_deref(), usize::MAX).await?;
        let mut clients = Vec::new();
        for OwnedClient(id) in entries {
            if clients.len() == limit {
                break;
            }
            let loaded = self.clients.get(&place::client(workspace, &id)).await?.map(|loaded| loaded.record);
            clients.extend(loaded.filter(|client| client.owner.as_ref() == Some(owner)));
        }
        Ok(clients)
    }
}
