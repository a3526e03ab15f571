//! The embedded store: sled 0.34 inside a fence that makes what was acknowledged survive.
//!
//! The fence: one process at a time (`directory`), a group commit with an fdatasync of its own
//! (`commit`, `flusher`), a mark outside sled that tells at open whether something is missing
//! (`mark`, `open`), and a checksum on every record ([`crate::store::codec`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::store::client::Client;
use crate::store::codec::{NameOwner, OwnedClient, RevokedToken, UsedUp};
use crate::store::consent::Consent;
use crate::store::feed::{Change, Feed, FeedVersion};
use crate::store::grant::Grant;
use crate::store::key::{SealedDataKeys, SigningKey};
use crate::store::moving::{Fence, Import};
use crate::store::place;
use crate::store::policy_use::PolicyUse;
use crate::store::scope::ScopeEntry;
use crate::store::session::Session;
use crate::store::standing::Standing;
use crate::store::token::{IssuedToken, SingleUse};
use crate::store::user::User;
use crate::store::workspace::Workspace;
use crate::store::{Health, Replaced, Size, Store, StoreError, Swept, Version, Versioned};
use crate::types::ids::{ClientId, GrantId, SessionId, Subject, WorkspaceId};
use crate::types::time::UnixSeconds;

mod commit;
mod directory;
mod feed;
mod flusher;
mod loss;
mod mark;
mod meta;
mod moving;
mod open;
mod options;
mod owned;
mod pending;
mod people;
mod signing_key;
mod space;
mod standing;
mod sweep;
mod table;
mod verify;
mod workspace;

pub use options::{Durability, SledOptions};

use commit::Commit;
use directory::Directory;
use table::{Revised, Table};

/// The embedded store.
pub struct SledStore {
    workspaces: Table<Workspace>,
    names: Table<NameOwner>,
    clients: Table<Client>,
    owned: Table<OwnedClient>,
    users: Table<User>,
    signing_keys: Table<SigningKey>,
    data_keys: Table<SealedDataKeys>,
    grants: Table<Grant>,
    revoked_tokens: Table<RevokedToken>,
    single_uses: Table<UsedUp>,
    sessions: Table<Session>,
    consents: Table<Consent>,
    scopes: Table<ScopeEntry>,
    policy_uses: Table<PolicyUse>,
    fences: Table<Fence>,
    imports: Table<Import>,
    /// Held while a name and its workspace change together, and while a signing key gets its serial.
    naming: Mutex<()>,
    cursor: Mutex<sweep::Cursor>,
    commit: Arc<Commit>,
    thread: Mutex<Option<JoinHandle<()>>>,
    db: ::sled::Db,
    directory: Arc<Directory>,
}

impl Revised for Client {
    fn revision(&self) -> u64 {
        self.revision
    }
}

impl Revised for User {
    fn revision(&self) -> u64 {
        self.revision
    }
}

impl SledStore {
    /// Refuses what is new while little space is left.
    fn room(&self) -> Result<(), StoreError> {
        match &*self.commit.health().borrow() {
            Health::NearlyFull => Err(StoreError::Unavailable("the disk is nearly full".to_owned())),
            // After a failure every operation says so itself.
            Health::Serving | Health::Unreachable(_) | Health::Failed(_) => Ok(()),
        }
    }

    /// Ends the flusher, after what waits for it.
    fn join_flusher(&self) {
        self.commit.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Its panics are caught inside, and there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.join_flusher();
    }
}

#[async_trait]
impl Store for SledStore {
    async fn insert_workspace(&self, workspace: &Workspace, first_key: &SigningKey) -> Result<bool, StoreError> {
        self.room()?;
        self.add_workspace(workspace, first_key).await
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.all_workspaces().await
    }

    async fn replace_workspace(&self, expected: u64, workspace: &Workspace) -> Result<Replaced, StoreError> {
        let told = Some(Change::Workspace(workspace.id));
        self.workspaces.replace_and_tell(&workspace.id.0, expected, workspace, told).await
    }

    async fn delete_workspace(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        self.remove_workspace(workspace).await
    }

    async fn insert_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        self.room()?;
        self.add_client(workspace, client).await
    }

    async fn client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.clients.get(&place::client(workspace, id)).await?.map(|loaded| loaded.record))
    }

    async fn clients(&self, workspace: WorkspaceId, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        let after = after.map(|after| place::client(workspace, after));
        self.clients.scan(&workspace.0, after.as_deref(), limit).await
    }

    async fn clients_of(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        self.owned_clients(workspace, owner, after, limit).await
    }

    async fn replace_client(&self, workspace: WorkspaceId, expected: u64, client: &Client) -> Result<Replaced, StoreError> {
        let told = Some(Change::Client(workspace, client.id.clone()));
        self.clients.replace_and_tell(&place::client(workspace, &client.id), expected, client, told).await
    }

    async fn delete_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        self.remove_client(workspace, id).await
    }

    async fn insert_user(&self, workspace: WorkspaceId, user: &User) -> Result<bool, StoreError> {
        // A mark about a subject revokes, and that must go on.
        if user.in_directory {
            self.room()?;
        }
        self.users.insert(&place::user(workspace, &user.subject), user).await
    }

    async fn user(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Option<User>, StoreError> {
        Ok(self.users.get(&place::user(workspace, subject)).await?.map(|loaded| loaded.record))
    }

    async fn users(&self, workspace: WorkspaceId, after: Option<&Subject>, limit: usize) -> Result<Vec<User>, StoreError> {
        let after = after.map(|after| place::user(workspace, after));
        self.users.scan(&workspace.0, after.as_deref(), limit).await
    }

    async fn replace_user(&self, workspace: WorkspaceId, expected: u64, user: &User) -> Result<Replaced, StoreError> {
        self.users.replace(&place::user(workspace, &user.subject), expected, user).await
    }

    async fn insert_session(&self, workspace: WorkspaceId, id: SessionId, session: &Session) -> Result<bool, StoreError> {
        self.room()?;
        self.sessions.insert(&place::session(workspace, id), session).await
    }

    async fn session(&self, workspace: WorkspaceId, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.sessions.get(&place::session(workspace, id)).await?.map(|loaded| loaded.record))
    }

    async fn delete_session(&self, workspace: WorkspaceId, id: SessionId) -> Result<bool, StoreError> {
        self.sessions.delete(&place::session(workspace, id)).await
    }

    async fn insert_consent(&self, workspace: WorkspaceId, consent: &Consent) -> Result<bool, StoreError> {
        // A withdrawal revokes, and that must go on.
        if !consent.scope.is_empty() {
            self.room()?;
        }
        self.consents.insert(&place::consent(workspace, &consent.subject, &consent.client), consent).await
    }

    async fn consent(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        Ok(self.consents.get(&place::consent(workspace, subject, client)).await?.map(|loaded| loaded.record))
    }

    async fn consents(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Vec<Consent>, StoreError> {
        self.consents.scan(&place::consents(workspace, subject), None, usize::MAX).await
    }

    async fn replace_consent(&self, workspace: WorkspaceId, expected: u64, consent: &Consent) -> Result<Replaced, StoreError> {
        self.consents.replace(&place::consent(workspace, &consent.subject, &consent.client), expected, consent).await
    }

    async fn standing(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Standing, StoreError> {
        Ok(Standing { user: self.user(workspace, subject).await?, consent: self.consent(workspace, subject, client).await? })
    }

    async fn put_scope(&self, workspace: WorkspaceId, scope: &ScopeEntry) -> Result<(), StoreError> {
        self.room()?;
        self.replace_scope(workspace, scope).await
    }

    async fn scopes(&self, workspace: WorkspaceId) -> Result<Vec<ScopeEntry>, StoreError> {
        self.scopes.scan(&workspace.0, None, usize::MAX).await
    }

    async fn delete_scope(&self, workspace: WorkspaceId, name: &str) -> Result<bool, StoreError> {
        self.scopes.delete(&place::within(workspace, name.as_bytes())).await
    }

    async fn add_policy_use(&self, workspace: WorkspaceId, client: &ClientId, used: &PolicyUse) -> Result<(), StoreError> {
        self.add_use(workspace, client, used).await
    }

    async fn policy_uses(&self, workspace: WorkspaceId, client: &ClientId) -> Result<Vec<PolicyUse>, StoreError> {
        self.policy_uses.scan(&place::within(workspace, client.as_str().as_bytes()), None, usize::MAX).await
    }

    // Keys may be replaced because one was stolen, so there is always room for them.
    async fn insert_signing_key(&self, workspace: WorkspaceId, key: &SigningKey) -> Result<bool, StoreError> {
        self.add_signing_key(workspace, key).await
    }

    async fn signing_keys(&self, workspace: WorkspaceId) -> Result<Vec<SigningKey>, StoreError> {
        self.signing_keys.scan(&workspace.0, None, usize::MAX).await
    }

    async fn delete_signing_key(&self, workspace: WorkspaceId, kid: &str) -> Result<bool, StoreError> {
        self.remove_signing_key(workspace, kid).await
    }

    async fn insert_data_keys(&self, keys: &SealedDataKeys) -> Result<bool, StoreError> {
        self.data_keys.insert(&[keys.id], keys).await
    }

    async fn data_keys(&self) -> Result<Vec<SealedDataKeys>, StoreError> {
        self.data_keys.scan(&[], None, usize::MAX).await
    }

    async fn insert_grant(&self, workspace: WorkspaceId, id: GrantId, grant: &Grant) -> Result<bool, StoreError> {
        self.room()?;
        self.grants.insert(&place::grant(workspace, id), grant).await
    }

    async fn grant(&self, workspace: WorkspaceId, id: GrantId) -> Result<Option<Versioned<Grant>>, StoreError> {
        let loaded = self.grants.get(&place::grant(workspace, id)).await?;
        Ok(loaded.map(|loaded| Versioned { record: loaded.record, version: Version(loaded.bytes.to_vec()) }))
    }

    async fn swap_grant(&self, workspace: WorkspaceId, id: GrantId, version: &Version, next: &Grant) -> Result<bool, StoreError> {
        self.grants.swap(&place::grant(workspace, id), &version.0, next).await
    }

    async fn revoke_token(&self, workspace: WorkspaceId, jti: &str, until: UnixSeconds) -> Result<(), StoreError> {
        self.revoked_tokens.insert(&place::within(workspace, jti.as_bytes()), &RevokedToken { until }).await.map(drop)
    }

    async fn token_stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> Result<bool, StoreError> {
        self.stands(workspace, token).await
    }

    async fn first_use(&self, workspace: WorkspaceId, once: &SingleUse) -> Result<bool, StoreError> {
        self.room()?;
        self.single_uses.insert(&place::single_use(workspace, once), &UsedUp { until: once.until }).await
    }

    fn shared(&self) -> bool {
        false
    }

    async fn feed_version(&self) -> Result<FeedVersion, StoreError> {
        Ok(self.commit.feed()?.version())
    }

    async fn changes(&self, after: FeedVersion, limit: usize) -> Result<Feed, StoreError> {
        Ok(self.commit.feed()?.read(after, limit))
    }

    fn feed_hint(&self) -> watch::Receiver<u64> {
        self.commit.feed_hint()
    }

    async fn sweep(&self, now: UnixSeconds, limit: usize) -> Result<Swept, StoreError> {
        self.sweep_step(now, limit).await
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.commit.health().subscribe()
    }

    async fn size(&self) -> Result<Size, StoreError> {
        let unknown = |why: String| StoreError::Unavailable(format!("the store's size cannot be read: {why}"));
        Ok(Size {
            disk_bytes: self.db.size_on_disk().map_err(|error| unknown(error.to_string()))?,
            free_bytes: Some(self.directory.free_bytes().map_err(|error| unknown(error.to_string()))?),
        })
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.commit.close();
        self.commit.closed().await
    }
}
