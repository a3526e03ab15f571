//! Trusted callers: the administrator, and clients that an administrator gave a permission.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::engine::Engine;
use crate::engine::client_auth::ClientCredential;
use crate::store::client::Client;
use crate::types::client::Permission;
use crate::types::error::{ErrorCode, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::secret::Secret;

/// What a management call presents in its `authorization` metadata.
#[derive(Clone, Debug)]
pub enum CallerCredential {
    /// `Bearer`: the admin token.
    AdminToken(Secret),
    /// `Basic`: a client of the workspace that the call names.
    Client(ClientCredential),
    /// Nothing.
    None,
}

/// The admin token, as a digest: the token itself is not kept in memory.
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// What the server compares with.
    #[must_use]
    pub fn new(token: &Secret) -> Self {
        Self(Sha256::digest(token.expose_secret().trim()).into())
    }

    fn matches(&self, presented: &Secret) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented.expose_secret()).into();
        self.0.ct_eq(&presented).into()
    }
}

/// Proof that a call comes from the administrator.
#[derive(Clone, Copy, Debug)]
pub struct Administrator(());

/// Proof that a call comes from the administrator or from a client with the permission that the call needs.
#[derive(Clone, Debug)]
pub struct Trusted(Caller);

#[derive(Clone, Debug)]
enum Caller {
    Administrator,
    Client(Arc<Client>),
}

impl Trusted {
    /// Whether the caller may have the secret of a client, and with it all that the client may do.
    pub(super) fn may_act_as(&self, client: &Client) -> bool {
        match &self.0 {
            Caller::Administrator => true,
            Caller::Client(caller) => client.permissions.iter().all(|needed| caller.permissions.contains(needed)),
        }
    }
}

impl From<Administrator> for Trusted {
    fn from(_: Administrator) -> Self {
        Self(Caller::Administrator)
    }
}

impl Engine {
    /// Checks that a call comes from the administrator.
    ///
    /// # Errors
    /// `Unauthenticated` without the admin token.
    pub fn administrator(&self, caller: &CallerCredential) -> Result<Administrator, Refusal> {
        match caller {
            CallerCredential::AdminToken(token) if self.admin_token.matches(token) => Ok(Administrator(())),
            CallerCredential::AdminToken(_) | CallerCredential::None => Err(Refusal::Unauthenticated),
            CallerCredential::Client(_) => {
                Err(Refusal::PermissionDenied("this call needs the admin token; no client permission covers it"))
            }
        }
    }

    /// Checks that a call about a workspace comes from the administrator, or from a client of that
    /// workspace with a permission.
    ///
    /// # Errors
    /// `Unauthenticated` without a good credential, `PermissionDenied` without the permission.
    pub async fn trusted(
        &self,
        workspace: &WorkspaceName,
        caller: &CallerCredential,
        needed: Permission,
    ) -> Result<Trusted, Refusal> {
        let CallerCredential::Client(credential) = caller else {
            return self.administrator(caller).map(Trusted::from);
        };
        let client = self.authenticate(workspace, credential).await.map_err(|error| match error.code {
            ErrorCode::InvalidClient => Refusal::Unauthenticated,
            _ => Refusal::OAuth(error),
        })?;
        if client.confidential() && client.client().permissions.contains(&needed) {
            return Ok(Trusted(Caller::Client(Arc::clone(client.client()))));
        }
        Err(Refusal::PermissionDenied(match needed {
            Permission::IssueCode => "the client needs the permission issue_code: `jeton client permit` gives it",
            Permission::RegisterClients => "the client needs the permission register_clients: `jeton client permit` gives it",
            Permission::IntrospectAny => "the client needs the permission introspect_any: `jeton client permit` gives it",
        }))
    }
}
