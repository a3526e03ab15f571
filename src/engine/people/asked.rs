//! An authorization request, found again by its handle and by the browser that made it.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::people::sign_in::Visitor;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::client::Client;
use crate::store::grant::{AuthorizationRequest, Grant, State};
use crate::types::authorization::SignInMethod;
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::secret::{Secret, SecretDigest};
use crate::types::time::UnixMillis;

const UNKNOWN: &str = "handle is unknown or has expired: the authorization request must be made again";
const OTHER_BROWSER: &str = "this request began in another browser, or its cookie is gone: start again from the application";

/// A request of the browser that asks about it.
#[derive(Debug)]
pub(super) struct Asked {
    pub workspace: Arc<WorkspaceEntry>,
    pub client: Arc<Client>,
    pub handle: Secret,
    pub browser: Secret,
    pub created_at: UnixMillis,
    pub request: AuthorizationRequest,
    pub stage: Stage,
}

/// How far a request has come.  Its answer may be had again until it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Waits,
    Allowed,
    Denied,
}

impl Engine {
    /// Finds a request.
    ///
    /// # Errors
    /// `invalid_request` if the handle is unknown, over, or another browser's; `unauthorized_client`
    /// while the workspace is suspended, the client is disabled, or a login application decides.
    pub(super) async fn asked(&self, name: &WorkspaceName, visitor: &Visitor, handle: &Secret) -> Result<Asked, Refusal> {
        let workspace = self.require_sign_in_here(name)?;
        let id = workspace.record.id;
        let unknown = || OAuthError::invalid_request(UNKNOWN);
        let opaque = Opaque::parse(Kind::Handle, id, handle, &self.data_keys).ok_or_else(unknown)?;
        let loaded = self.store.grant(id, opaque.grant()).await?.ok_or_else(unknown)?.record;
        let kept = kept(&loaded).ok_or_else(|| OAuthError::invalid_request("the request of this handle was already decided"))?;
        let same = kept.handle.is_some_and(|kept| kept.matches(&digest(&opaque, id, &self.data_keys)));
        if !same || self.now() >= loaded.expires_at() {
            return Err(unknown().into());
        }
        let browser = visitor.browser.clone().filter(|browser| {
            let digests = self.data_keys.all().map(|keys| keys.digest(Purpose::Browser, id, browser.expose_secret()));
            kept.request.browser.is_some_and(|asked| digests.into_iter().any(|digest| digest.matches(&asked)))
        });
        let browser = browser.ok_or_else(|| OAuthError::invalid_request(OTHER_BROWSER))?;
        let client = self.clients.get(id, &loaded.client).await?.filter(|client| !client.disabled);
        let client = client
            .ok_or_else(|| OAuthError::new(ErrorCode::UnauthorizedClient, "the client was disabled or deleted meanwhile"))?;
        Ok(Asked {
            client,
            handle: handle.clone(),
            browser,
            created_at: loaded.created_at,
            request: kept.request.clone(),
            stage: kept.stage,
            workspace,
        })
    }

    /// A workspace whose people sign in on our own pages.
    ///
    /// # Errors
    /// `NotFound`; `unauthorized_client` while it is suspended, and where a login application decides.
    pub(super) fn require_sign_in_here(&self, name: &WorkspaceName) -> Result<Arc<WorkspaceEntry>, Refusal> {
        let workspace = self.workspace(name)?;
        let refuse = |description| Err(OAuthError::new(ErrorCode::UnauthorizedClient, description).into());
        if workspace.record.suspended {
            return refuse("the workspace is suspended");
        }
        match workspace.record.sign_in {
            SignInMethod::Application => refuse("the people of this workspace sign in at its login application, not here"),
            SignInMethod::Directory | SignInMethod::CredentialCheck => Ok(workspace),
        }
    }
}

/// What is kept of a request until it is redeemed.
struct Kept<'a> {
    request: &'a AuthorizationRequest,
    handle: Option<SecretDigest>,
    stage: Stage,
}

fn kept(grant: &Grant) -> Option<Kept<'_>> {
    match &grant.state {
        State::Requested(requested) => {
            Some(Kept { request: &requested.request, handle: Some(requested.handle), stage: Stage::Waits })
        }
        State::Decided(decided) => {
            let stage = if decided.approved.is_some() { Stage::Allowed } else { Stage::Denied };
            Some(Kept { request: &decided.request, handle: Some(decided.handle), stage })
        }
        State::CodeIssued(issued) => Some(Kept { request: &issued.request, handle: issued.released_by, stage: Stage::Allowed }),
        State::Active(_) | State::Revoked(_) => None,
    }
}
