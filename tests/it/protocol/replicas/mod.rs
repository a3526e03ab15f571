//! Several replicas on one store: what one changes counts on every other, and what is not known to be up to
//! date is not judged by.
//!
//! Two engines in one process are two replicas, on one embedded store that both take for shared.

mod clients;
mod first_start;
mod freshness;
mod keys;
mod memory;
mod store;
mod workspaces;

use std::sync::Arc;
use std::time::Duration;

use jeton::engine::Engine;
use jeton::engine::client_auth::ClientCredential;
use jeton::engine::manage_clients::WithSecret;
use jeton::engine::opening::Means;
use jeton::engine::register::ClientMetadata;
use jeton::engine::settings::Settings;
use jeton::engine::token::{TokenGrant, TokenRequest};
use jeton::engine::trusted::{Administrator, CallerCredential};
use jeton::keys::master_key::MasterKey;
use jeton::store::Store;
use jeton::store::sled::{SledOptions, SledStore};
use jeton::types::client::{ApplicationType, AuthMethod, GrantType};
use jeton::types::entropy::{OsEntropy, SeededEntropy};
use jeton::types::error::OAuthError;
use jeton::types::ids::WorkspaceName;
use jeton::types::lifetime::Lifetimes;
use jeton::types::policy::PolicySet;
use jeton::types::secret::Secret;
use jeton::types::time::{ManualClock, UnixSeconds};
use tempfile::TempDir;
use tokio::sync::Barrier;

use crate::support::clients::REDIRECT_URI;
use crate::support::server::{ISSUER, START};
use store::SharedStore;

const ADMIN_TOKEN: &str = "an admin token of more than 32 characters";
/// Longer than any test lasts.
const STALENESS: Duration = Duration::from_secs(600);

/// One of several servers.
pub struct Replica {
    pub engine: Arc<Engine>,
    pub store: Arc<SharedStore>,
}

/// Two servers on one store.
pub struct Replicas {
    pub a: Replica,
    pub b: Replica,
    pub clock: Arc<ManualClock>,
    _data: TempDir,
}

/// What one store and one clock are for all who start on them.
pub struct Ground {
    pub inner: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    data: TempDir,
}

impl Ground {
    pub fn new() -> Self {
        let data = TempDir::new().unwrap();
        let inner = SledStore::open(SledOptions { min_free_bytes: 0, ..SledOptions::new(data.path()) }).unwrap();
        Self { inner: Arc::new(inner), clock: Arc::new(ManualClock::at(UnixSeconds(START))), data }
    }

    pub async fn open(&self, store: SharedStore, staleness: Duration) -> Replica {
        let store = Arc::new(store);
        let means = Means {
            store: store.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(OsEntropy),
            // Every replica is given the same one.
            master_key: MasterKey::generate(&SeededEntropy::new(1)).unwrap(),
            admin_token: Secret::new(ADMIN_TOKEN.to_owned()),
            credential_check: None,
        };
        let settings = Settings { issuer: ISSUER.to_owned(), staleness, ..Settings::default() };
        Replica { engine: Arc::new(Engine::open(means, settings).await.unwrap()), store }
    }
}

impl Replicas {
    /// Which are fresh for longer than any test lasts, so that a test decides when the feed is followed.
    pub async fn start() -> Self {
        Self::with(STALENESS).await
    }

    /// Which may be so old.
    pub async fn with(staleness: Duration) -> Self {
        let ground = Ground::new();
        let a = ground.open(SharedStore::new(ground.inner.clone()), staleness).await;
        let b = ground.open(SharedStore::new(ground.inner.clone()), staleness).await;
        Self { a, b, clock: ground.clock, _data: ground.data }
    }

    /// Which start at once, and who each wait for the other before they make what there may be one of.
    pub async fn at_once() -> Self {
        let ground = Ground::new();
        let meeting = Arc::new(Barrier::new(2));
        let open = || {
            let store = SharedStore::together(ground.inner.clone(), Arc::clone(&meeting));
            ground.open(store, STALENESS)
        };
        let (a, b) = tokio::join!(open(), open());
        Self { a, b, clock: ground.clock, _data: ground.data }
    }
}

impl Replica {
    pub async fn follow(&self) {
        self.engine.follow_feed().await.unwrap();
    }

    pub fn administrator(&self) -> Administrator {
        self.engine.administrator(&CallerCredential::AdminToken(Secret::new(ADMIN_TOKEN.to_owned()))).unwrap()
    }

    /// Registers a client of the default workspace that may do everything.
    pub async fn register(&self) -> ClientCredential {
        self.register_in(&default_workspace()).await
    }

    pub async fn register_in(&self, workspace: &WorkspaceName) -> ClientCredential {
        let metadata = ClientMetadata {
            name: "Client".to_owned(),
            uri: String::new(),
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
            auth_method: AuthMethod::ClientSecretBasic,
            application_type: ApplicationType::Web,
            scope: "read".to_owned(),
            default_scope: String::new(),
            default_audience: String::new(),
            lifetimes: Lifetimes::default(),
            logo_uri: String::new(),
            brand_color: String::new(),
        };
        let caller = self.administrator().into();
        credential(self.engine.register_client(caller, workspace, metadata, None).await.unwrap())
    }

    /// RFC 6749 section 4.4, in the default workspace.
    pub async fn client_credentials(&self, client: &ClientCredential) -> Result<String, OAuthError> {
        self.client_credentials_in(&default_workspace(), client).await
    }

    pub async fn client_credentials_in(
        &self,
        workspace: &WorkspaceName,
        client: &ClientCredential,
    ) -> Result<String, OAuthError> {
        let request = TokenRequest {
            grant: TokenGrant::ClientCredentials { scope: None },
            deviations: PolicySet::default(),
            address: None,
        };
        let issued = self.engine.issue_token(workspace, Some(client), request).await?;
        Ok(issued.tokens.access_token.expose_secret().to_owned())
    }
}

pub fn default_workspace() -> WorkspaceName {
    WorkspaceName::default_workspace()
}

pub fn named(name: &str) -> WorkspaceName {
    WorkspaceName::parse(name).unwrap()
}

/// What a client presents, when it was just given its secret.
pub fn credential(made: WithSecret) -> ClientCredential {
    ClientCredential::Secret { client_id: made.client.id.to_string(), secret: made.secret.unwrap() }
}
