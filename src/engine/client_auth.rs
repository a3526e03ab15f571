//! Client authentication (RFC 6749 section 2.3).  Only this file can make an [`AuthenticatedClient`],
//! and whatever acts for a client asks for one.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::client::Client;
use crate::store::grant::{Grant, State};
use crate::types::client::AuthMethod;
use crate::types::error::{About, ErrorCode, OAuthError};
use crate::types::ids::{ClientId, WorkspaceId, WorkspaceName};
use crate::types::policy::Policy;
use crate::types::secret::{Secret, SecretDigest};
use crate::types::time::UnixSeconds;

const POLICY: Policy = Policy::RefreshWithoutClientAuthentication;
/// The longest that a grant may live whose refresh token needs no secret beside it.
pub(crate) const UNAUTHENTICATED_LIFETIME: i64 = 86_400;

/// What a request says of its client.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// `client_secret_basic` or `client_secret_post`.
    Secret {
        /// The claimed id.
        client_id: String,
        /// The secret.
        secret: Secret,
    },
    /// `none`: a public client names itself.
    Public {
        /// The claimed id.
        client_id: String,
    },
}

impl ClientCredential {
    /// The id that the request claims, proved or not.
    #[must_use]
    pub fn claimed_id(&self) -> &str {
        match self {
            Self::Secret { client_id, .. } | Self::Public { client_id } => client_id,
        }
    }
}

/// A client that has proved who it is, or a public one that has named itself, in its workspace.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    workspace: Arc<WorkspaceEntry>,
    client: Arc<Client>,
    proof: Proof,
}

/// What a client has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A credential: its secret, or, for a public client, its name.
    Credential,
    /// Nothing but its newest refresh token, behind the policy `refresh_without_client_authentication`.
    RefreshToken,
}

impl AuthenticatedClient {
    /// Its workspace.
    #[must_use]
    pub fn workspace(&self) -> &Arc<WorkspaceEntry> {
        &self.workspace
    }

    /// What was registered of it.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// What it has shown.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// Whether it has a secret: a public client has proved nothing.
    #[must_use]
    pub fn confidential(&self) -> bool {
        self.client.auth_method != AuthMethod::None
    }
}

impl Engine {
    /// Authenticates a client.
    ///
    /// An unknown workspace, an unknown client and a wrong secret cost the same digest and get the
    /// same answer (threat E7).
    ///
    /// # Errors
    /// `invalid_client` when the credential is not good for an enabled client of the workspace;
    /// `temporarily_unavailable` while it is not known what other replicas changed.
    pub(crate) async fn authenticate(
        &self,
        workspace: &WorkspaceName,
        credential: &ClientCredential,
    ) -> Result<AuthenticatedClient, OAuthError> {
        self.require_fresh()?;
        let entry = self.workspaces.get(workspace).filter(|entry| !entry.record.suspended);
        let client = match (&entry, ClientId::parse(credential.claimed_id())) {
            (Some(entry), Ok(id)) => self.clients.get(entry.record.id, &id).await?,
            _ => None,
        };
        let (Some(workspace), Some(client)) = (entry, client) else {
            self.spend_a_digest(credential);
            return Err(OAuthError::invalid_client());
        };
        let proved = match credential {
            ClientCredential::Public { .. } => client.auth_method == AuthMethod::None,
            ClientCredential::Secret { secret, .. } => self.secret_matches(&workspace, &client, secret),
        };
        if !proved || client.disabled {
            return Err(OAuthError::invalid_client());
        }
        Ok(AuthenticatedClient { workspace, client, proof: Proof::Credential })
    }

    /// Finds the client that a request without any credential acts for, by its newest refresh token.
    ///
    /// The token stands for the secret it was given out under: with that secret, or after a day, it ends.
    ///
    /// # Errors
    /// `invalid_client` when the token is not the newest of a standing grant, or its client may not do
    /// this; `too_many_requests`; `temporarily_unavailable` as [`Engine::authenticate`].
    pub(crate) async fn authenticate_by_refresh_token(
        &self,
        workspace: &WorkspaceName,
        presented: &Secret,
    ) -> Result<AuthenticatedClient, OAuthError> {
        self.require_fresh()?;
        let workspace = self.workspaces.get(workspace).filter(|entry| !entry.record.suspended).ok_or_else(no_credential)?;
        let id = workspace.record.id;
        let token = Opaque::parse(Kind::Refresh, id, presented, &self.data_keys).ok_or_else(no_credential)?;
        let grant = self.store.grant(id, token.grant()).await?.ok_or_else(no_credential)?.record;
        let end = newest(&grant, &token, &digest(&token, id, &self.data_keys)).ok_or_else(no_credential)?;
        let client = self.clients.get(id, &grant.client).await?.filter(|client| !client.disabled).ok_or_else(no_credential)?;
        if client.auth_method == AuthMethod::None || self.now() >= end {
            return Err(no_credential());
        }
        if self.policy(&workspace, &client, POLICY).is_none() {
            let description = self.how_to_switch_on(&workspace, &client, POLICY);
            return Err(OAuthError::new(ErrorCode::InvalidClient, description));
        }
        let granted = grant.created_at.seconds();
        if end.since(granted) > UNAUTHENTICATED_LIFETIME {
            return Err(needs_secret("this grant lives longer than a day"));
        }
        if client.secrets.last().is_some_and(|newest| made_before(granted, newest.created_at, client.created_at)) {
            return Err(needs_secret("the client's secret was changed since this grant was made"));
        }
        self.refresh_limit.check(token.grant())?;
        self.count_policy_use(&workspace, &client, POLICY);
        Ok(AuthenticatedClient { workspace, client, proof: Proof::RefreshToken })
    }

    /// A refusal with whom it was about, for the log.
    #[must_use]
    pub fn about(&self, error: OAuthError, workspace: &WorkspaceName, credential: Option<&ClientCredential>) -> OAuthError {
        let workspace = self.workspaces.get(workspace).map(|entry| entry.record.name.clone());
        let client = credential.and_then(|credential| ClientId::parse(credential.claimed_id()).ok());
        OAuthError { about: Some(Box::new(About { workspace, client })), ..error }
    }

    fn secret_matches(&self, workspace: &WorkspaceEntry, client: &Client, presented: &Secret) -> bool {
        let now = self.now();
        let mut matches = false;
        for secret in &client.secrets {
            let keys = self.data_keys.get(secret.data_key).unwrap_or(self.data_keys.newest());
            let digest = keys.digest(Purpose::ClientSecret, workspace.record.id, presented.expose_secret());
            let lives = secret.expires_at.is_none_or(|end| now < end);
            matches |= secret.digest.matches(&digest) & lives;
        }
        if client.secrets.is_empty() {
            self.spend_a_digest(&ClientCredential::Secret { client_id: String::new(), secret: presented.clone() });
        }
        matches && client.auth_method != AuthMethod::None
    }

    /// The work that a known client would have cost.
    fn spend_a_digest(&self, credential: &ClientCredential) {
        if let ClientCredential::Secret { secret, .. } = credential {
            let keys = self.data_keys.newest();
            let nobody = WorkspaceId([0; 16]);
            let digest = keys.digest(Purpose::ClientSecret, nobody, secret.expose_secret());
            std::hint::black_box(digest.matches(&SecretDigest([0; 32])));
        }
    }
}

/// What a refresh without any credential is answered: it tells nothing of the token.
fn no_credential() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidClient,
        "the request has no client authentication: send client_id and client_secret, or client_id alone for a public client",
    )
}

fn needs_secret(why: &'static str) -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidClient,
        format!("{why}: authenticate with client_id and client_secret, or ask for a new token"),
    )
}

/// The end of a grant, when the token is its newest.
fn newest(grant: &Grant, token: &Opaque, digest: &SecretDigest) -> Option<UnixSeconds> {
    let State::Active(active) = &grant.state else { return None };
    let refresh = active.refresh.as_ref()?;
    (refresh.generation == token.generation() && refresh.head.matches(digest)).then_some(active.expires_at)
}

/// Whether a grant was made before the client's newest secret.  Secrets know only the second: a grant of
/// that second counts as older, unless the secret is the first, for which there was nothing before.
fn made_before(granted: UnixSeconds, newest_secret: UnixSeconds, registered: UnixSeconds) -> bool {
    granted < newest_secret || (granted == newest_secret && newest_secret != registered)
}
