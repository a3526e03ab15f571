//! Client authentication (RFC 6749 section 2.3).  Only this file can make an [`AuthenticatedClient`],
//! and whatever acts for a client asks for one.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::store::client::Client;
use crate::types::client::AuthMethod;
use crate::types::error::{About, OAuthError};
use crate::types::ids::{ClientId, WorkspaceId, WorkspaceName};
use crate::types::secret::{Secret, SecretDigest};

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

    /// Whether it proved who it is: a public client cannot.
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
    /// `invalid_client` when the credential is not good for an enabled client of the workspace.
    pub(crate) async fn authenticate(
        &self,
        workspace: &WorkspaceName,
        credential: &ClientCredential,
    ) -> Result<AuthenticatedClient, OAuthError> {
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
        if proved && !client.disabled { Ok(AuthenticatedClient { workspace, client }) } else { Err(OAuthError::invalid_client()) }
    }

    /// A refusal with whom it was about, for the log.
    #[must_use]
    pub fn about(&self, error: OAuthError, workspace: &WorkspaceName, credential: &ClientCredential) -> OAuthError {
        let workspace = self.workspaces.get(workspace).map(|entry| entry.record.name.clone());
        let client = ClientId::parse(credential.claimed_id()).ok();
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
