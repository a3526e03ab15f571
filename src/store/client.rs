//! A client as it is kept.

use crate::types::branding::Branding;
use crate::types::client::{ApplicationType, AuthMethod, GrantType, Permission};
use crate::types::ids::{ClientId, Subject};
use crate::types::lifetime::Lifetimes;
use crate::types::policy::Policy;
use crate::types::redirect_uri::RedirectUri;
use crate::types::scope::Scope;
use crate::types::secret::SecretDigest;
use crate::types::time::{UnixMillis, UnixSeconds};

/// A registered client (RFC 7591 section 2).
#[derive(Clone, Debug)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// What people see.
    pub name: String,
    /// A page about it.
    pub uri: Option<String>,
    /// Where authorization responses may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may ask for tokens with.
    pub grant_types: Vec<GrantType>,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// Where it runs.
    pub application_type: ApplicationType,
    /// All it may ask for.
    pub scope: Scope,
    /// What it gets when it asks for nothing.
    pub default_scope: Scope,
    /// The audience of its access tokens.
    pub default_audience: Option<String>,
    /// Its own lifetimes.
    pub lifetimes: Lifetimes,
    /// At most two that have not ended.
    pub secrets: Vec<ClientSecret>,
    /// Can do nothing, and its tokens are not active.
    pub disabled: bool,
    /// What an administrator allowed it.
    pub permissions: Vec<Permission>,
    /// The deviations that an operator switched on.
    pub policies: Vec<PolicyGrant>,
    /// How pages about it look.
    pub branding: Branding,
    /// The person who registered it; `None` for an operator.
    pub owner: Option<Subject>,
    /// When it was registered.
    pub created_at: UnixSeconds,
    /// What was issued to it before is not active.
    pub not_before: UnixMillis,
    /// Counts changes.
    pub revision: u64,
}

/// A client secret's digest.
#[derive(Clone, Debug)]
pub struct ClientSecret {
    /// Names it.
    pub id: String,
    /// The data keys that the digest was made with.
    pub data_key: u8,
    /// What the presented secret is compared with.
    pub digest: SecretDigest,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it ends; `None` for never.
    pub expires_at: Option<UnixSeconds>,
}

/// A compatibility policy that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyGrant {
    /// Which.
    pub policy: Policy,
    /// Why, in the operator's words.
    pub reason: String,
    /// Since when.
    pub since: UnixSeconds,
    /// When it ends; `None` for never.
    pub expires_at: Option<UnixSeconds>,
    /// For `implicit_grant`: whether the operator stated that the client may have `wildcard_scope` too.
    pub with_wildcard_scope: bool,
}
