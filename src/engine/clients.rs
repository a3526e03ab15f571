//! The clients, through a bounded cache that never shows what was replaced.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use crate::store::client::Client;
use crate::store::{Replaced, Store, StoreError};
use crate::types::ids::{ClientId, Subject, WorkspaceId};

/// How many clients stay in memory: at about 1 KiB each a small part of the budget.
const CACHED_CLIENTS: usize = 4096;

type Key = (WorkspaceId, ClientId);

/// What became of a new client of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is kept.
    Done,
    /// Its id is taken.
    Taken,
    /// The person has as many as they may.
    TooMany,
}

/// Looks clients up, and changes them.
pub struct Clients {
    store: Arc<dyn Store>,
    /// `None` is a client that was deleted.
    cache: Cache<Key, Option<Arc<Client>>>,
    /// Held over a change in the store and in the cache, so that both see changes in one order.
    writing: Mutex<()>,
}

impl Clients {
    /// The clients of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, cache: Cache::new(CACHED_CLIENTS), writing: Mutex::default() }
    }

    /// One client.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn get(&self, workspace: WorkspaceId, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let key = (workspace, id.clone());
        match self.cache.get(&key) {
            Some(client) => Ok(client),
            // Boxed: only a miss waits, and its state would make that of every call larger.
            None => Box::pin(self.load(&key)).await,
        }
    }

    async fn load(&self, key: &Key) -> Result<Option<Arc<Client>>, StoreError> {
        // A placeholder is held over the look-up.  When a writer puts its value there meanwhile, the
        // value that was read before is not cached.
        match self.cache.get_value_or_guard_async(key).await {
            Ok(client) => Ok(client),
            Err(placeholder) => {
                let (workspace, id) = key;
                let client = self.store.client(*workspace, id).await?.map(Arc::new);
                if client.is_some() {
                    let _ = placeholder.insert(client.clone());
                }
                Ok(client)
            }
        }
    }

    /// Keeps a new client; `false` when its id is taken.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn insert(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        self.store.insert_client(workspace, client).await
    }

    /// Keeps a new client of a person who has fewer than `most`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn insert_owned(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        client: &Client,
        most: usize,
    ) -> Result<Inserted, StoreError> {
        // Counting and keeping are one step, so that two forms at once are not both the last one.
        let _writing = self.writing.lock().await;
        if self.store.clients_of(workspace, owner, None, most).await?.len() >= most {
            return Ok(Inserted::TooMany);
        }
        let inserted = self.store.insert_client(workspace, client).await?;
        Ok(if inserted { Inserted::Done } else { Inserted::Taken })
    }

    /// Replaces a client if it still has the revision `expected`.  Afterwards no reader sees the old one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn replace(&self, workspace: WorkspaceId, expected: u64, client: Client) -> Result<Replaced, StoreError> {
        let _writing = self.writing.lock().await;
        let replaced = self.store.replace_client(workspace, expected, &client).await?;
        if replaced == Replaced::Done {
            self.cache.insert((workspace, client.id.clone()), Some(Arc::new(client)));
        }
        Ok(replaced)
    }

    /// Removes a client; `false` when there was none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().await;
        let deleted = self.store.delete_client(workspace, id).await?;
        self.cache.insert((workspace, id.clone()), None);
        Ok(deleted)
    }
}
