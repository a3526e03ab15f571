//! Floor 2: the rules of OAuth.  Knows neither tonic nor axum nor sled.
//!
//! [`token`] is the pipeline of the token endpoint: client authentication, one file of [`grants`],
//! and [`mint`], the one place where tokens are made.  [`authorize`] is the way to a code.  The rest
//! is what each file's name says.

use std::sync::Arc;

use crate::keys::data_keys::DataKeyRing;
use crate::store::{Store, StoreError};
use crate::types::entropy::Entropy;
use crate::types::error::OAuthError;
use crate::types::time::{Clock, UnixSeconds};

pub mod access_token;
pub mod applications;
pub mod authorize;
mod branding;
pub mod client_auth;
pub mod clients;
pub mod follow;
pub mod freshness;
pub mod grants;
pub mod introspect;
pub mod manage_clients;
pub mod manage_keys;
pub mod manage_scopes;
pub mod manage_users;
pub mod manage_workspaces;
pub mod metadata;
pub mod mint;
pub mod opening;
pub mod page;
pub mod people;
pub mod policy;
mod refresh_limit;
pub mod register;
pub mod reload;
pub mod revoke;
pub mod settings;
pub mod standing;
pub mod token;
pub mod trusted;
pub mod workspaces;

use clients::Clients;
use follow::Follower;
use freshness::Freshness;
use grants::doubt::Doubts;
use people::People;
use policy::uses::PolicyUses;
use refresh_limit::RefreshLimit;
use settings::Settings;
use trusted::AdminToken;
use workspaces::Workspaces;

/// The rules, and what they need: a store, a clock, randomness and keys.
pub struct Engine {
    /// What is kept.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) data_keys: DataKeyRing,
    pub(crate) workspaces: Workspaces,
    pub(crate) clients: Clients,
    pub(crate) follower: Follower,
    /// `None` when nobody else changes the store.
    pub(crate) freshness: Option<Freshness>,
    pub(crate) admin_token: AdminToken,
    pub(crate) people: People,
    pub(crate) policy_uses: PolicyUses,
    pub(crate) refresh_limit: RefreshLimit,
    pub(crate) doubts: Doubts,
}

impl Engine {
    pub(crate) fn now(&self) -> UnixSeconds {
        self.clock.now().seconds()
    }
}

impl From<StoreError> for OAuthError {
    fn from(cause: StoreError) -> Self {
        match cause {
            StoreError::Unavailable(_) | StoreError::Refused(_) => Self::unavailable(cause),
            StoreError::TooLarge { .. } => {
                Self::invalid_request("the request is too large to be kept: shorten scope, state or redirect_uri")
            }
            StoreError::Damaged { .. } => Self::server_error(cause),
        }
    }
}

impl From<StoreError> for crate::types::error::Refusal {
    fn from(cause: StoreError) -> Self {
        Self::OAuth(cause.into())
    }
}
