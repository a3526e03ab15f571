//! The shared store: PostgreSQL, for any number of replicas.
//!
//! Every operation is one statement at READ COMMITTED whose WHERE states what it rests on (`sql` and the files of
//! records), carried by a few connections that take what waits, many at once (`queue`, `lane`, `run`).  Ids, digests
//! and versions come from the caller, so that repeating after a lost connection does nothing twice.  What other replicas
//! must hear of stands in a feed that is written in the same commit (`changes`, `follow`, `marks`).

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;

use crate::store::client::Client;
use crate::store::consent::Consent;
use crate::store::feed::{Feed, FeedVersion};
use crate::store::grant::Grant;
use crate::store::key::{SealedDataKeys, SigningKey};
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

mod base;
mod batch;
mod changes;
mod clients;
mod connect;
mod fault;
mod follow;
mod grants;
mod hints;
mod lane;
mod marks;
pub mod migrate;
mod moving;
mod options;
mod people;
mod queue;
mod registry;
mod request;
mod run;
mod server_settings;
mod sql;
mod sweep;
mod tls;
mod tokens;
pub mod url;
mod value;
mod workspaces;

pub use moving::PostgresMover;
pub use options::PostgresOptions;

use base::Base;
use connect::Connector;
use lane::Lane;
use marks::Marks;
use queue::Queue;

/// The shared store.
pub struct PostgresStore {
    base: Arc<Base>,
    lanes: Mutex<JoinSet<()>>,
    helpers: StdMutex<JoinSet<()>>,
}

impl PostgresStore {
    /// Connects to a database whose schema this binary runs on, and reads what was revoked.
    ///
    /// # Errors
    /// `Refused` for a database that cannot be used, with what to do about it; `Unavailable` when it cannot be reached.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let connector = Arc::new(Connector::new(&options)?);
        {
            let session = connector.connect().await?;
            if let Some(caution) = server_settings::check(&session.client).await? {
                tracing::warn!("{caution}");
            }
            migrate::check(&session.client).await?;
        }
        let mut replica = [0; 16];
        options.entropy.fill_id(&mut replica).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let base = Arc::new(Base {
            queue: Arc::new(Queue::new()),
            marks: Marks::default(),
            followed: AtomicU64::new(0),
            following: Mutex::default(),
            hint: watch::Sender::new(0),
            told: Notify::new(),
            clock_wrong: AtomicBool::new(false),
            replica,
            health: watch::Sender::new(Health::Serving),
            clock: Arc::clone(&options.clock),
            entropy: options.entropy,
            timeout: options.timeout,
        });
        let lane = Lane {
            queue: Arc::clone(&base.queue),
            connector: Arc::clone(&connector),
            clock: options.clock,
            // The server gives up after two seconds; only a commit that waits for its standby takes longer, and a
            // connection that is given up meanwhile stays with the server.
            patience: options.timeout.saturating_mul(2),
        };
        let mut lanes = JoinSet::new();
        // One of them listens.
        for _ in 1..options.connections.max(2) {
            lanes.spawn(lane.clone().serve());
        }
        let mut helpers = JoinSet::new();
        helpers.spawn(hints::listen(Arc::clone(&base), connector));
        helpers.spawn(hints::notify(Arc::clone(&base)));
        let store = Self { base, lanes: Mutex::new(lanes), helpers: StdMutex::new(helpers) };
        store.base.load_marks().await?;
        Ok(store)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // What waits is still carried out.
        self.base.queue.close();
        if let Ok(lanes) = self.lanes.try_lock().as_deref_mut() {
            lanes.detach_all();
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn insert_workspace(&self, workspace: &Workspace, first_key: &SigningKey) -> Result<bool, StoreError> {
        self.base.add_workspace(workspace, first_key).await
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.base.all_workspaces().await
    }

    async fn replace_workspace(&self, expected: u64, workspace: &Workspace) -> Result<Replaced, StoreError> {
        self.base.change_workspace(expected, workspace).await
    }

    async fn delete_workspace(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        self.base.remove_workspace(workspace).await
    }

    async fn insert_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        self.base.add_client(workspace, client).await
    }

    async fn client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.base.one_client(workspace, id).await
    }

    async fn clients(&self, workspace: WorkspaceId, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        self.base.some_clients(workspace, after, limit).await
    }

    async fn clients_of(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        self.base.owned_clients(workspace, owner, after, limit).await
    }

    async fn replace_client(&self, workspace: WorkspaceId, expected: u64, client: &Client) -> Result<Replaced, StoreError> {
        self.base.change_client(workspace, expected, client).await
    }

    async fn delete_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        self.base.remove_client(workspace, id).await
    }

    async fn insert_user(&self, workspace: WorkspaceId, user: &User) -> Result<bool, StoreError> {
        self.base.add_user(workspace, user).await
    }

    async fn user(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Option<User>, StoreError> {
        self.base.one_user(workspace, subject).await
    }

    async fn users(&self, workspace: WorkspaceId, after: Option<&Subject>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.base.some_users(workspace, after, limit).await
    }

    async fn replace_user(&self, workspace: WorkspaceId, expected: u64, user: &User) -> Result<Replaced, StoreError> {
        self.base.change_user(workspace, expected, user).await
    }

    async fn insert_session(&self, workspace: WorkspaceId, id: SessionId, session: &Session) -> Result<bool, StoreError> {
        self.base.add_session(workspace, id, session).await
    }

    async fn session(&self, workspace: WorkspaceId, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.base.one_session(workspace, id).await
    }

    async fn delete_session(&self, workspace: WorkspaceId, id: SessionId) -> Result<bool, StoreError> {
        self.base.remove_session(workspace, id).await
    }

    async fn insert_consent(&self, workspace: WorkspaceId, consent: &Consent) -> Result<bool, StoreError> {
        self.base.add_consent(workspace, consent).await
    }

    async fn consent(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        self.base.one_consent(workspace, subject, client).await
    }

    async fn consents(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Vec<Consent>, StoreError> {
        self.base.all_consents(workspace, subject).await
    }

    async fn replace_consent(&self, workspace: WorkspaceId, expected: u64, consent: &Consent) -> Result<Replaced, StoreError> {
        self.base.change_consent(workspace, expected, consent).await
    }

    async fn standing(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Standing, StoreError> {
        self.base.standing(workspace, subject, client).await
    }

    async fn put_scope(&self, workspace: WorkspaceId, scope: &ScopeEntry) -> Result<(), StoreError> {
        self.base.put_one_scope(workspace, scope).await
    }

    async fn scopes(&self, workspace: WorkspaceId) -> Result<Vec<ScopeEntry>, StoreError> {
        self.base.all_scopes(workspace).await
    }

    async fn delete_scope(&self, workspace: WorkspaceId, name: &str) -> Result<bool, StoreError> {
        self.base.remove_scope(workspace, name).await
    }

    async fn add_policy_use(&self, workspace: WorkspaceId, client: &ClientId, used: &PolicyUse) -> Result<(), StoreError> {
        self.base.count_policy_use(workspace, client, used).await
    }

    async fn policy_uses(&self, workspace: WorkspaceId, client: &ClientId) -> Result<Vec<PolicyUse>, StoreError> {
        self.base.uses_of(workspace, client).await
    }

    async fn insert_signing_key(&self, workspace: WorkspaceId, key: &SigningKey) -> Result<bool, StoreError> {
        self.base.add_signing_key(workspace, key).await
    }

    async fn signing_keys(&self, workspace: WorkspaceId) -> Result<Vec<SigningKey>, StoreError> {
        self.base.all_signing_keys(workspace).await
    }

    async fn delete_signing_key(&self, workspace: WorkspaceId, kid: &str) -> Result<bool, StoreError> {
        self.base.remove_signing_key(workspace, kid).await
    }

    async fn insert_data_keys(&self, keys: &SealedDataKeys) -> Result<bool, StoreError> {
        self.base.add_data_keys(keys).await
    }

    async fn data_keys(&self) -> Result<Vec<SealedDataKeys>, StoreError> {
        self.base.all_data_keys().await
    }

    async fn insert_grant(&self, workspace: WorkspaceId, id: GrantId, grant: &Grant) -> Result<bool, StoreError> {
        self.base.add_grant(workspace, id, grant).await
    }

    async fn grant(&self, workspace: WorkspaceId, id: GrantId) -> Result<Option<Versioned<Grant>>, StoreError> {
        self.base.load_grant(workspace, id).await
    }

    async fn swap_grant(&self, workspace: WorkspaceId, id: GrantId, version: &Version, next: &Grant) -> Result<bool, StoreError> {
        self.base.replace_grant(workspace, id, version, next).await
    }

    async fn revoke_token(&self, workspace: WorkspaceId, jti: &str, until: UnixSeconds) -> Result<(), StoreError> {
        self.base.mark_token(workspace, jti, until).await
    }

    async fn token_stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> Result<bool, StoreError> {
        Ok(self.base.marks.stands(workspace, token))
    }

    async fn first_use(&self, workspace: WorkspaceId, once: &SingleUse) -> Result<bool, StoreError> {
        self.base.use_up(workspace, once).await
    }

    fn shared(&self) -> bool {
        true
    }

    async fn feed_version(&self) -> Result<FeedVersion, StoreError> {
        self.base.feed_head().await
    }

    async fn changes(&self, after: FeedVersion, limit: usize) -> Result<Feed, StoreError> {
        self.base.follow(after, limit).await
    }

    fn feed_hint(&self) -> watch::Receiver<u64> {
        self.base.hint.subscribe()
    }

    async fn sweep(&self, now: UnixSeconds, limit: usize) -> Result<Swept, StoreError> {
        self.base.sweep_step(now, limit).await
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.base.health.subscribe()
    }

    async fn size(&self) -> Result<Size, StoreError> {
        self.base.size().await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.base.leave().await;
        self.base.queue.close();
        self.helpers.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        let mut lanes = self.lanes.lock().await;
        while lanes.join_next().await.is_some() {}
        Ok(())
    }
}
