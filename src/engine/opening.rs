//! Opening the engine on a store: its data keys, its workspaces and their signing keys.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::clients::Clients;
use crate::engine::follow::Follower;
use crate::engine::freshness::Freshness;
use crate::engine::grants::doubt::Doubts;
use crate::engine::manage_workspaces::WorkspaceSettings;
use crate::engine::people::People;
use crate::engine::policy::uses::PolicyUses;
use crate::engine::refresh_limit::RefreshLimit;
use crate::engine::reload::CannotReload;
use crate::engine::settings::Settings;
use crate::engine::trusted::AdminToken;
use crate::engine::workspaces::Workspaces;
use crate::keys::data_keys::{DataKeyRing, DataKeys};
use crate::keys::master_key::MasterKey;
use crate::store::{Health, Store, StoreError, Swept};
use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceName;
use crate::types::secret::Secret;
use crate::types::time::Clock;
use crate::upstream::CredentialCheck;

/// The engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The store was sealed under another master key.
    #[error("the store was sealed under another master key: give jeton the one that it was made with")]
    OtherMasterKey,
    /// Something else that stands in the way.
    #[error("{0}")]
    Other(String),
}

impl From<CannotReload> for CannotStart {
    fn from(cause: CannotReload) -> Self {
        match cause {
            CannotReload::Store(cause) => cause.into(),
            CannotReload::Keys(_) => Self::Other(cause.to_string()),
        }
    }
}

/// What the engine works with.
pub struct Means {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Opens the data keys.
    pub master_key: MasterKey,
    /// Proves the administrator.
    pub admin_token: Secret,
    /// The operator's own directory, where there is one.
    pub credential_check: Option<Arc<dyn CredentialCheck>>,
}

impl Engine {
    /// Opens the engine.  On an empty store it makes the data keys and the default workspace, which of
    /// replicas that start at once only one does.
    ///
    /// # Errors
    /// When the store fails, or was sealed under another master key.
    pub async fn open(means: Means, settings: Settings) -> Result<Self, CannotStart> {
        let Means { store, clock, entropy, master_key, admin_token, credential_check } = means;
        let now = clock.now().seconds();
        let mut kept = store.data_keys().await?;
        if kept.is_empty() {
            let first = DataKeys::generate(1, &*entropy)?.seal(&master_key, now, &*entropy)?;
            kept = match store.insert_data_keys(&first).await? {
                true => vec![first],
                false => store.data_keys().await?,
            };
        }
        let generations: Result<Vec<DataKeys>, _> = kept.iter().map(|keys| DataKeys::open(&master_key, keys)).collect();
        let data_keys = DataKeyRing::new(generations.map_err(|_| CannotStart::OtherMasterKey)?);
        let data_keys = data_keys.ok_or(CannotStart::OtherMasterKey)?;

        let engine = Self {
            clients: Clients::new(Arc::clone(&store)),
            workspaces: Workspaces::default(),
            follower: Follower::default(),
            freshness: store.shared().then(|| Freshness::new(settings.staleness)),
            admin_token: AdminToken::new(&admin_token),
            people: People::new(credential_check).map_err(|error| CannotStart::Other(error.to_string()))?,
            policy_uses: PolicyUses::default(),
            refresh_limit: RefreshLimit::new(Arc::clone(&clock)),
            doubts: Doubts::default(),
            store,
            clock,
            entropy,
            settings,
            data_keys,
        };
        engine.begin_following().await?;
        engine.ensure_default_workspace().await?;
        if engine.freshness.is_some() {
            engine.follow_feed().await?;
        }
        Ok(engine)
    }

    async fn ensure_default_workspace(&self) -> Result<(), CannotStart> {
        let name = WorkspaceName::default_workspace();
        if self.workspaces.get(&name).is_some() {
            return Ok(());
        }
        let writing = self.workspaces.write().await;
        let entry = match self.make_workspace(name.clone(), &WorkspaceSettings::default()).await {
            Ok(entry) => entry,
            Err(Refusal::AlreadyExists(_)) => {
                // A replica that started at once was faster.
                let Some(_) = self.newest_entry(&writing, &name).await? else {
                    return Err(CannotStart::Other("the default workspace cannot be read".to_owned()));
                };
                return Ok(());
            }
            Err(Refusal::OAuth(error)) => {
                let why = error.cause.map_or(error.description.to_string(), |cause| cause.to_string());
                return Err(CannotStart::Other(why));
            }
            Err(_) => return Err(CannotStart::Other("the default workspace cannot be made".to_owned())),
        };
        self.workspaces.put(&writing, entry);
        Ok(())
    }

    /// Whether tokens can be issued now; if not, why not.
    #[must_use]
    pub fn health(&self) -> Health {
        let health = self.store.health().borrow().clone();
        if let (Health::Serving, Some(stale)) = (&health, self.stale()) {
            return stale;
        }
        let now = self.now();
        let signs = self.workspaces.all().iter().all(|workspace| workspace.keys.active(now).is_some());
        if health == Health::Serving && !signs { Health::Failed("a workspace has no signing key".to_owned()) } else { health }
    }

    /// One bounded step of removing what is past its end.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep(&self, limit: usize) -> Result<Swept, StoreError> {
        self.store.sweep(self.now(), limit).await
    }

    /// Forgets what memory was needed for only a while: the limits of those who have been quiet, redemptions in doubt.
    pub fn forget_what_is_past(&self) {
        self.refresh_limit.forget_those_at_rest();
        self.doubts.forget(self.now());
    }
}
