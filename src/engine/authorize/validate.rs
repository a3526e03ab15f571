//! Validating an authorization request (RFC 6749 section 4.1.1), in the order that decides whether
//! an error may be sent by redirect (section 4.1.2.1): the client, its redirect URI, then the rest.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::authorize::Details;
use crate::engine::authorize::response::ResponseTarget;
use crate::engine::token::{allowed_scope, require_grant_type};
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::client::Client;
use crate::store::grant::{AuthorizationRequest, Grant, Requested, State};
use crate::types::authorization::ResponseType;
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{ClientId, GrantId, WorkspaceName};
use crate::types::pkce::CodeChallenge;
use crate::types::redirect_uri::RedirectUri;
use crate::types::secret::Secret;

/// The most bytes of `state`.
const MAX_STATE_BYTES: usize = 2048;

/// The parameters of an authorization request; an empty one was not sent.
#[derive(Clone, Debug, Default)]
pub struct RequestParameters {
    /// RFC 6749 section 3.1.1.
    pub response_type: String,
    /// RFC 6749 section 2.2.
    pub client_id: String,
    /// RFC 6749 section 3.1.2.
    pub redirect_uri: String,
    /// RFC 6749 section 3.3.
    pub scope: String,
    /// RFC 6749 section 4.1.1.
    pub state: String,
    /// RFC 7636 section 4.3.
    pub code_challenge: String,
    /// RFC 7636 section 4.3.
    pub code_challenge_method: String,
}

/// A request that was found good and kept.
#[derive(Debug)]
pub struct Validated {
    /// Names it.
    pub handle: Secret,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// What was asked.
    pub details: Details,
    /// Where the login application wants the browser.
    pub login_uri: Option<String>,
}

/// A request that was found good.
pub(super) struct Checked {
    pub(super) workspace: Arc<WorkspaceEntry>,
    pub(super) client: Arc<Client>,
    pub(super) request: AuthorizationRequest,
}

impl Engine {
    /// Validates a request and keeps it under a handle until a trusted caller decides it.  `browser`
    /// is the value of the cookie of the browser that asks, when one does.
    ///
    /// # Errors
    /// Those of RFC 6749 section 4.1.2.1.  An error that may be sent by redirect says where to.
    pub async fn validate_authorization(
        &self,
        workspace: &WorkspaceName,
        parameters: &RequestParameters,
        browser: Option<&Secret>,
    ) -> Result<Validated, Refusal> {
        let mut checked = self.check_authorization(workspace, parameters).await?;
        let id = checked.workspace.record.id;
        let keys = self.data_keys.newest();
        checked.request.browser = browser.map(|cookie| keys.digest(Purpose::Browser, id, cookie.expose_secret()));

        let now = self.clock.now();
        let grant = GrantId::generate(now, &*self.entropy)?;
        let handle = Opaque::generate(Kind::Handle, grant, 0, &self.data_keys, &*self.entropy)?;
        let expires_at = now.seconds().plus(self.settings.request_lifetime);
        let details = Details::of(&checked.client, &checked.request, expires_at);
        let record = Grant {
            client: checked.client.id.clone(),
            created_at: now,
            state: State::Requested(Requested {
                request: checked.request,
                handle: digest(&handle, id, &self.data_keys),
                expires_at,
            }),
        };
        self.keep_grant(id, grant, &record).await?;

        let handle = handle.encode(id, &self.data_keys);
        let login_uri = match (browser, &checked.workspace.record.login_uri) {
            (Some(_), Some(uri)) => Some(login_uri(uri, workspace, &handle)),
            _ => None,
        };
        Ok(Validated { handle, expires_in: self.settings.request_lifetime, details, login_uri })
    }

    /// The checks alone.
    pub(super) async fn check_authorization(
        &self,
        workspace: &WorkspaceName,
        parameters: &RequestParameters,
    ) -> Result<Checked, Refusal> {
        let workspace = self.workspace(workspace)?;
        let client = self.authorizing_client(&workspace, &parameters.client_id).await?;
        let redirect_uri = redirect_uri(&client, &parameters.redirect_uri)?;
        // From here on the answer may go to the client.
        if parameters.state.len() > MAX_STATE_BYTES {
            let target = ResponseTarget::new(&redirect_uri, None, &workspace.issuer);
            return Err(target.refuse(OAuthError::invalid_request("state is longer than 2048 bytes")).into());
        }
        let state = Some(parameters.state.as_str()).filter(|state| !state.is_empty());
        let target = ResponseTarget::new(&redirect_uri, state, &workspace.issuer);
        if workspace.record.suspended {
            let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the workspace is suspended");
            return Err(target.refuse(error).into());
        }
        let (scope, code_challenge) = check_parameters(&client, parameters).map_err(|error| target.refuse(error))?;
        let request = AuthorizationRequest {
            redirect_uri_sent: !parameters.redirect_uri.is_empty(),
            scope,
            state: state.map(str::to_owned),
            code_challenge: Some(code_challenge),
            browser: None,
            response_type: ResponseType::Code,
            prompt: Vec::new(),
            max_age: None,
            redirect_uri,
        };
        Ok(Checked { workspace, client, request })
    }

    /// The workspace of that name, suspended or not.
    pub(crate) fn workspace(&self, name: &WorkspaceName) -> Result<Arc<WorkspaceEntry>, Refusal> {
        self.workspaces.get(name).ok_or(Refusal::NotFound("there is no such workspace"))
    }

    async fn authorizing_client(&self, workspace: &WorkspaceEntry, client_id: &str) -> Result<Arc<Client>, OAuthError> {
        if client_id.is_empty() {
            return Err(OAuthError::invalid_request("client_id is missing"));
        }
        let unknown = || OAuthError::invalid_request("client_id does not name a client of this workspace");
        let id = ClientId::parse(client_id).map_err(|_| unknown())?;
        let client = self.clients.get(workspace.record.id, &id).await?;
        client.filter(|client| !client.disabled).ok_or_else(unknown)
    }

    /// Keeps a new grant.  A second id of 80 random bits does not come up.
    pub(super) async fn keep_grant(
        &self,
        workspace: crate::types::ids::WorkspaceId,
        id: GrantId,
        grant: &Grant,
    ) -> Result<(), OAuthError> {
        match self.store.insert_grant(workspace, id, grant).await? {
            true => Ok(()),
            false => Err(OAuthError::server_error("a grant id came up twice")),
        }
    }
}

/// The redirect URI that the answer goes to: the one that was sent, found registered, or the only one.
fn redirect_uri(client: &Client, sent: &str) -> Result<RedirectUri, OAuthError> {
    if sent.is_empty() {
        return match client.redirect_uris.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(OAuthError::invalid_request("redirect_uri is missing, and the client has not registered exactly one")),
        };
    }
    let registered = client.redirect_uris.iter().any(|uri| uri.admits(sent, client.application_type));
    if !registered {
        return Err(OAuthError::invalid_request(
            "redirect_uri is not one that the client registered: it must be equal character by character",
        ));
    }
    Ok(RedirectUri::from_stored(sent.to_owned()))
}

/// What the person is asked, once the answer may go to the client.
fn check_parameters(
    client: &Client,
    parameters: &RequestParameters,
) -> Result<(crate::types::scope::Scope, CodeChallenge), OAuthError> {
    match parameters.response_type.as_str() {
        "code" => {}
        "" => return Err(OAuthError::invalid_request("response_type is missing: it must be code")),
        _ => {
            let description = "response_type must be code: nothing else is supported";
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, description));
        }
    }
    require_grant_type(client, GrantType::AuthorizationCode)?;
    let challenge = code_challenge(&parameters.code_challenge, &parameters.code_challenge_method)?;
    let scope = allowed_scope(client, Some(&parameters.scope))?;
    Ok((scope, challenge))
}

/// RFC 7636 section 4.4.1 and RFC 9700 section 2.1.1: required, and S256.
fn code_challenge(challenge: &str, method: &str) -> Result<CodeChallenge, OAuthError> {
    if challenge.is_empty() {
        return Err(OAuthError::invalid_request("code_challenge is missing: PKCE with S256 is required"));
    }
    if method != "S256" {
        return Err(OAuthError::invalid_request("code_challenge_method must be S256"));
    }
    CodeChallenge::parse(challenge).map_err(|error| OAuthError::invalid_request(error.to_string()))
}

fn login_uri(configured: &str, workspace: &WorkspaceName, handle: &Secret) -> String {
    let separator = if configured.contains('?') { '&' } else { '?' };
    format!("{configured}{separator}workspace={workspace}&handle={}", handle.expose_secret())
}
