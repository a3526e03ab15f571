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
    cache: Cache<Key, Arc<Client>>,
    /// Changes of one process take turns, and so do counting a person's clients and adding one.
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
            Some(client) => Ok(Some(client)),
            // Boxed: only a miss waits, and its state would make that of every call larger.
            None => Box::pin(self.load(&key)).await,
        }
    }

    async fn load(&self, key: &Key) -> Result<Option<Arc<Client>>, StoreError> {
        // A placeholder is held over the look-up.  When the client is forgotten meanwhile, the placeholder
        // goes too, and the value that was read before is not cached.
        match self.cache.get_value_or_guard_async(key).await {
            Ok(client) => Ok(Some(client)),
            Err(placeholder) => {
                let (workspace, id) = key;
                let client = self.store.client(*workspace, id).await?.map(Arc::new);
                // Who is not there is not remembered: they may be registered at another replica.
                if let Some(client) = &client {
                    let _ = placeholder.insert(Arc::clone(client));
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

    /// Keeps a new client of a person who has fewer than `most`.  Replicas do not wait for each other: a
    /// person who sends a form to each of them at once may have one more for each.
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
    pub async fn replace(&self, workspace: WorkspaceId, expected: u64, client: &Client) -> Result<Replaced, StoreError> {
        let _writing = self.writing.lock().await;
        let _forgotten = self.forget_later(workspace, &client.id);
        self.store.replace_client(workspace, expected, client).await
    }

    /// Removes a client; `false` when there was none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().await;
        let _forgotten = self.forget_later(workspace, id);
        self.store.delete_client(workspace, id).await
    }

    /// Forgets a client that was changed: the next reader asks the store.  Nothing is put in its place, for
    /// another replica may have changed it once more.
    pub fn forget(&self, workspace: WorkspaceId, id: ClientId) {
        self.cache.remove(&(workspace, id));
    }

    fn forget_later(&self, workspace: WorkspaceId, id: &ClientId) -> Forgotten<'_> {
        Forgotten { clients: self, key: (workspace, id.clone()) }
    }

    /// Forgets every client.
    pub fn forget_all(&self) {
        self.cache.clear();
    }
}

/// Forgets a client in the end: also after an error, and when whoever asked for the change went away, for it
/// may have happened all the same.
struct Forgotten<'a> {
    clients: &'a Clients,
    key: Key,
}

impl Drop for Forgotten<'_> {
    fn drop(&mut self) {
        self.clients.cache.remove(&self.key);
    }
}
