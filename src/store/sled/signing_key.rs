//! Signing keys: of two that are made at once as the next one, one is kept.

use std::sync::PoisonError;

use crate::store::codec;
use crate::store::feed::Change;
use crate::store::key::SigningKey;
use crate::store::sled::SledStore;
use crate::store::{StoreError, place};
use crate::types::ids::WorkspaceId;

impl SledStore {
    pub(super) async fn add_signing_key(&self, workspace: WorkspaceId, key: &SigningKey) -> Result<bool, StoreError> {
        let place = place::within(workspace, key.kid.as_bytes());
        let record = codec::encode(&place, key)?;
        let ticket = {
            // A first key is written under the same lock.
            let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
            let mut taken = false;
            for (place, bytes) in self.signing_keys.entries(&workspace.0, None, usize::MAX)? {
                taken |= codec::decode::<SigningKey>(&place, &bytes)?.serial == key.serial;
            }
            let told = Some(Change::SigningKeys(workspace));
            if taken { None } else { self.signing_keys.change_and_tell(&place, None, Some(record), told)? }
        };
        match ticket {
            Some(ticket) => ticket.durable().await.map(|()| true),
            None => self.signing_keys.settle_all().await.map(|()| false),
        }
    }

    pub(super) async fn remove_signing_key(&self, workspace: WorkspaceId, kid: &str) -> Result<bool, StoreError> {
        let place = place::within(workspace, kid.as_bytes());
        self.signing_keys.delete_and_tell(&place, Some(Change::SigningKeys(workspace))).await
    }
}
