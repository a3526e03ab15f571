//! Managing clients (RFC 7591, RFC 7592).  Every change is one compare-and-swap on the client's record.

use crate::engine::Engine;
use crate::engine::page::PageRequest;
use crate::engine::policy::configure::Switch;
use crate::engine::register::ClientMetadata;
use crate::engine::trusted::{Administrator, Trusted};
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::store::client::{Client, ClientSecret};
use crate::store::{Replaced, StoreError};
use crate::types::branding::Branding;
use crate::types::client::{ApplicationType, AuthMethod, Permission};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{ClientId, WorkspaceName, checksummed};
use crate::types::lifetime::Lifetimes;
use crate::types::policy::Preset;
use crate::types::scope::Scope;
use crate::types::secret::Secret;
use crate::types::time::UnixMillis;

const UNKNOWN: Refusal = Refusal::NotFound("there is no such client in this workspace");
pub(super) const CHANGED: Refusal = Refusal::Changed("the client was changed meanwhile: read it again");
/// Thirty days: longer is no rotation.
const MAX_OVERLAP: i64 = 30 * 86_400;

/// A client, and the secret that was just made for it.
#[derive(Debug)]
pub struct WithSecret {
    /// As stored.
    pub client: Client,
    /// This once; `None` for a public client.
    pub secret: Option<Secret>,
}

/// The policies that a client is registered with: only an administrator can say so.
#[derive(Clone, Debug)]
pub struct PresetChoice {
    /// Which.
    pub preset: Preset,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: Administrator,
}

impl Engine {
    /// Registers a client, with the policies of a preset or with none.
    ///
    /// # Errors
    /// `invalid_redirect_uri`, `invalid_client_metadata`; `InvalidField` for a preset that the workspace
    /// does not allow.
    pub async fn register_client(
        &self,
        _caller: Trusted,
        workspace: &WorkspaceName,
        mut metadata: ClientMetadata,
        preset: Option<PresetChoice>,
    ) -> Result<WithSecret, Refusal> {
        let workspace = self.workspace(workspace)?;
        let mut blank = self.blank_client()?;
        if let Some(PresetChoice { preset, reason, by: _ }) = preset {
            metadata.complete(preset);
            let switch = Switch { reason, expires_at: None, with_wildcard_scope: preset.states_wildcard_with_implicit() };
            blank = self.with_policies(&workspace, blank, preset.policies(), &switch)?;
        }
        let mut client = metadata.apply_to(blank)?;
        let secret = match client.auth_method {
            AuthMethod::None => None,
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => Some(self.add_secret(&workspace, &mut client)?),
        };
        match self.clients.insert(workspace.record.id, &client).await.map_err(too_large)? {
            true => Ok(WithSecret { client, secret }),
            false => Err(OAuthError::server_error("a client id came up twice").into()),
        }
    }

    /// Reads one client.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn read_client(&self, _caller: Trusted, workspace: &WorkspaceName, id: &str) -> Result<Client, Refusal> {
        let workspace = self.workspace(workspace)?;
        self.stored_client(&workspace, id).await
    }

    /// One page of a workspace's clients, in the order of their ids, and the first of the next.
    ///
    /// # Errors
    /// `InvalidField` for a page token from elsewhere.
    pub async fn list_clients(
        &self,
        _caller: Trusted,
        workspace: &WorkspaceName,
        page: &PageRequest,
    ) -> Result<Vec<Client>, Refusal> {
        let workspace = self.workspace(workspace)?;
        let after = page.after.as_deref().map(ClientId::parse).transpose();
        let after = after.map_err(|_| Refusal::InvalidField("page_token", "is not one that was answered before".into()))?;
        Ok(self.store.clients(workspace.record.id, after.as_ref(), page.limit()).await?)
    }

    /// Replaces a client's metadata; `revision` 0 changes whatever is there.
    ///
    /// # Errors
    /// As a registration, `NotFound`, and `Changed` when the client has another revision.
    pub async fn update_client(
        &self,
        _caller: Trusted,
        workspace: &WorkspaceName,
        id: &str,
        metadata: ClientMetadata,
        revision: u64,
    ) -> Result<Client, Refusal> {
        self.change_client(workspace, id, |_, client| {
            if revision != 0 && client.revision != revision {
                return Err(CHANGED);
            }
            let was_public = client.auth_method == AuthMethod::None;
            let changed = metadata.clone().apply_to(client)?;
            if was_public != (changed.auth_method == AuthMethod::None) {
                let description = "a client cannot change between public and confidential: register a new one";
                return Err(OAuthError::new(ErrorCode::InvalidClientMetadata, description).into());
            }
            Ok(changed)
        })
        .await
    }

    /// Deletes a client.  Its tokens are not active any more.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_client(&self, _caller: Trusted, workspace: &WorkspaceName, id: &str) -> Result<(), Refusal> {
        let workspace = self.workspace(workspace)?;
        let id = ClientId::parse(id).map_err(|_| UNKNOWN)?;
        if self.clients.delete(workspace.record.id, &id).await? { Ok(()) } else { Err(UNKNOWN) }
    }

    /// Makes a new secret.  The present one ends after `overlap` seconds, an older one now.
    ///
    /// # Errors
    /// `InvalidField` for a bad overlap, `NotFound`, `invalid_client_metadata` for a public client;
    /// `PermissionDenied` when the client may do what the caller may not (threat I3).
    pub async fn rotate_client_secret(
        &self,
        caller: Trusted,
        workspace: &WorkspaceName,
        id: &str,
        overlap: i64,
    ) -> Result<WithSecret, Refusal> {
        check_overlap(overlap)?;
        let mut secret = None;
        let client = self
            .change_client(workspace, id, |workspace, client| {
                if !caller.may_act_as(&client) {
                    return Err(Refusal::PermissionDenied(
                        "the client has permissions that the caller has not: only an operator makes a new secret for it",
                    ));
                }
                let (client, made) = self.rotated(workspace, client, overlap)?;
                secret = Some(made);
                Ok(client)
            })
            .await?;
        Ok(WithSecret { client, secret })
    }

    /// Replaces the trusted acts that a client is allowed.
    ///
    /// # Errors
    /// `NotFound`; `invalid_client_metadata` for a public client, which cannot prove who it is.
    pub async fn set_client_permissions(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        id: &str,
        mut permissions: Vec<Permission>,
    ) -> Result<Client, Refusal> {
        permissions.sort_unstable();
        permissions.dedup();
        self.change_client(workspace, id, |_, client| {
            if client.auth_method == AuthMethod::None && !permissions.is_empty() {
                let description = "a public client cannot have permissions: it cannot prove who it is";
                return Err(OAuthError::new(ErrorCode::InvalidClientMetadata, description).into());
            }
            Ok(Client { permissions: permissions.clone(), ..client })
        })
        .await
    }

    /// Disables or enables a client.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_client_disabled(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        id: &str,
        disabled: bool,
    ) -> Result<Client, Refusal> {
        self.change_client(workspace, id, |_, client| Ok(Client { disabled, ..client })).await
    }

    /// Ends every token that a client was issued until now.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_client_tokens(&self, _caller: Administrator, workspace: &WorkspaceName, id: &str) -> Result<(), Refusal> {
        let now = self.clock.now();
        self.change_client(workspace, id, |_, client| Ok(Client { not_before: now.max(client.not_before), ..client })).await?;
        Ok(())
    }

    async fn stored_client(&self, workspace: &WorkspaceEntry, id: &str) -> Result<Client, Refusal> {
        let id = ClientId::parse(id).map_err(|_| UNKNOWN)?;
        self.store.client(workspace.record.id, &id).await?.ok_or(UNKNOWN)
    }

    /// The client with a new secret, and the secret; the present one ends after `overlap` seconds.
    pub(super) fn rotated(
        &self,
        workspace: &WorkspaceEntry,
        mut client: Client,
        overlap: i64,
    ) -> Result<(Client, Secret), Refusal> {
        if client.auth_method == AuthMethod::None {
            let description = "a public client has no secret to rotate";
            return Err(OAuthError::new(ErrorCode::InvalidClientMetadata, description).into());
        }
        let now = self.now();
        let newest = client.secrets.pop().map(|newest| {
            let end = now.plus(overlap);
            ClientSecret { expires_at: Some(newest.expires_at.map_or(end, |earlier| earlier.min(end))), ..newest }
        });
        client.secrets = newest.into_iter().filter(|kept| kept.expires_at.is_none_or(|end| now < end)).collect();
        let secret = self.add_secret(workspace, &mut client)?;
        Ok((client, secret))
    }

    /// Changes a client, again on the newer record when another caller was faster.
    pub(super) async fn change_client(
        &self,
        workspace: &WorkspaceName,
        id: &str,
        mut change: impl FnMut(&WorkspaceEntry, Client) -> Result<Client, Refusal> + Send,
    ) -> Result<Client, Refusal> {
        let workspace = self.workspace(workspace)?;
        loop {
            let before = self.stored_client(&workspace, id).await?;
            let expected = before.revision;
            let changed = Client { revision: expected.saturating_add(1), ..change(&workspace, before)? };
            match self.clients.replace(workspace.record.id, expected, &changed).await.map_err(too_large)? {
                Replaced::Done => return Ok(changed),
                Replaced::Missing => return Err(UNKNOWN),
                Replaced::Changed => {}
            }
        }
    }

    /// What a registration begins with.
    pub(super) fn blank_client(&self) -> Result<Client, Refusal> {
        Ok(Client {
            id: ClientId::generate(&*self.entropy)?,
            name: String::new(),
            uri: None,
            redirect_uris: Vec::new(),
            grant_types: Vec::new(),
            auth_method: AuthMethod::ClientSecretBasic,
            application_type: ApplicationType::Web,
            scope: Scope::empty(),
            default_scope: Scope::empty(),
            default_audience: None,
            lifetimes: Lifetimes::default(),
            secrets: Vec::new(),
            disabled: false,
            permissions: Vec::new(),
            policies: Vec::new(),
            branding: Branding::default(),
            owner: None,
            created_at: self.now(),
            not_before: UnixMillis::default(),
            revision: 1,
        })
    }

    /// Gives a client a new secret: 256 random bits, of which a digest is stored.
    pub(super) fn add_secret(&self, workspace: &WorkspaceEntry, client: &mut Client) -> Result<Secret, Refusal> {
        let secret = Secret::new(checksummed("jcs_", &self.entropy.array::<32>()?));
        let keys = self.data_keys.newest();
        client.secrets.push(ClientSecret {
            id: checksummed("jcsi_", &self.entropy.array::<8>()?),
            data_key: keys.id(),
            digest: keys.digest(Purpose::ClientSecret, workspace.record.id, secret.expose_secret()),
            created_at: self.now(),
            expires_at: None,
        });
        Ok(secret)
    }
}

/// How long two secrets may be valid beside each other.
pub(super) fn check_overlap(seconds: i64) -> Result<(), Refusal> {
    match (0..=MAX_OVERLAP).contains(&seconds) {
        true => Ok(()),
        false => Err(Refusal::InvalidField("overlap_seconds", "must be 0 to 2592000".into())),
    }
}

pub(super) fn too_large(error: StoreError) -> Refusal {
    match error {
        StoreError::TooLarge { .. } => {
            let description = "the client's metadata is larger than 4 KiB: register fewer or shorter redirect URIs";
            OAuthError::new(ErrorCode::InvalidClientMetadata, description).into()
        }
        error => error.into(),
    }
}
