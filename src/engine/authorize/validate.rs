//! Validating an authorization request (RFC 6749 section 4.1.1), in the order that decides whether
//! an error may be sent by redirect (section 4.1.2.1): the client, its redirect URI, then the rest.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::authorize::response::ResponseTarget;
use crate::engine::authorize::{Details, prompt, shows_code};
use crate::engine::token::require_grant_type;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::client::Client;
use crate::store::grant::{AuthorizationRequest, Grant, Requested, State};
use crate::types::authorization::{ResponseType, SignInMethod};
use crate::types::client::{AuthMethod, GrantType};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{ClientId, GrantId, WorkspaceName};
use crate::types::pkce::CodeChallenge;
use crate::types::policy::Policy;
use crate::types::redirect_uri::RedirectUri;
use crate::types::scope::Scope;
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
    /// OpenID Connect Core 1.0 section 3.1.2.1.
    pub prompt: String,
    /// OpenID Connect Core 1.0 section 3.1.2.1.
    pub max_age: Option<i64>,
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
    /// Where the login application wants the browser; `None` when our own pages do.
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
        let record = &checked.workspace.record;
        let login_uri = match (browser, record.sign_in, &record.login_uri) {
            (Some(_), SignInMethod::Application, Some(uri)) => Some(login_uri(uri, workspace, &handle)),
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
        // An unknown response type is answered like a code would be.
        let response_type = ResponseType::from_name(&parameters.response_type).unwrap_or(ResponseType::Code);
        let redirect_uri = redirect_uri(&client, &parameters.redirect_uri, response_type)?;
        // From here on the answer may go to the client.
        let mut request = AuthorizationRequest {
            response_type,
            redirect_uri,
            redirect_uri_sent: !parameters.redirect_uri.is_empty(),
            scope: Scope::empty(),
            state: None,
            code_challenge: None,
            browser: None,
            prompt: Vec::new(),
            max_age: parameters.max_age,
        };
        if parameters.state.len() > MAX_STATE_BYTES {
            let error = OAuthError::invalid_request("state is longer than 2048 bytes");
            return Err(ResponseTarget::of(&request, &workspace.issuer).refuse(error).into());
        }
        request.state = Some(parameters.state.clone()).filter(|state| !state.is_empty());
        match self.check_parameters(&workspace, &client, parameters, &mut request) {
            Ok(()) => Ok(Checked { workspace, client, request }),
            Err(error) => Err(ResponseTarget::of(&request, &workspace.issuer).refuse(error).into()),
        }
    }

    /// What the person is asked, once the answer may go to the client.
    fn check_parameters(
        &self,
        workspace: &Arc<WorkspaceEntry>,
        client: &Arc<Client>,
        parameters: &RequestParameters,
        request: &mut AuthorizationRequest,
    ) -> Result<(), OAuthError> {
        if workspace.record.suspended {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the workspace is suspended"));
        }
        match ResponseType::from_name(&parameters.response_type) {
            Some(ResponseType::Code) => {
                require_grant_type(client, GrantType::AuthorizationCode)?;
                request.code_challenge = self.code_challenge(workspace, client, parameters, request)?;
            }
            Some(ResponseType::Token) => {
                if shows_code(workspace, request.redirect_uri.as_str()) {
                    return Err(OAuthError::invalid_request("the server's own page shows codes: response_type must be code"));
                }
                self.check_implicit(workspace, client, &parameters.scope)?;
            }
            None if parameters.response_type.is_empty() => {
                return Err(OAuthError::invalid_request("response_type is missing: it must be code"));
            }
            None => {
                let description = "response_type must be code: nothing else is supported";
                return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, description));
            }
        }
        if request.max_age.is_some_and(|seconds| seconds < 0) {
            return Err(OAuthError::invalid_request("max_age must not be negative"));
        }
        request.prompt = prompt::parse(&parameters.prompt)?;
        request.scope = self.allowed_scope(workspace, client, Some(&parameters.scope))?;
        Ok(())
    }

    /// RFC 7636 section 4.4.1 and RFC 9700 section 2.1.1: S256, and required.
    ///
    /// A confidential client needs none when the person copies the code from our own page, because
    /// nobody can inject a code there, or behind the policy `pkce_optional`.
    fn code_challenge(
        &self,
        workspace: &WorkspaceEntry,
        client: &Client,
        parameters: &RequestParameters,
        request: &AuthorizationRequest,
    ) -> Result<Option<CodeChallenge>, OAuthError> {
        let (challenge, method) = (parameters.code_challenge.as_str(), parameters.code_challenge_method.as_str());
        if challenge.is_empty() && method.is_empty() && client.auth_method != AuthMethod::None {
            if !shows_code(workspace, request.redirect_uri.as_str()) {
                self.use_policy(workspace, client, Policy::PkceOptional, ErrorCode::InvalidRequest)?;
            }
            return Ok(None);
        }
        if challenge.is_empty() {
            return Err(OAuthError::invalid_request("code_challenge is missing: PKCE with S256 is required"));
        }
        if method != "S256" {
            return Err(OAuthError::invalid_request("code_challenge_method must be S256"));
        }
        CodeChallenge::parse(challenge).map(Some).map_err(|error| OAuthError::invalid_request(error.to_string()))
    }

    /// The workspace of that name, suspended or not, to act in: what it is must not be out of date.
    ///
    /// # Errors
    /// `NotFound`; `temporarily_unavailable` while it is not known what other replicas changed.
    pub fn workspace(&self, name: &WorkspaceName) -> Result<Arc<WorkspaceEntry>, Refusal> {
        self.require_fresh()?;
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
fn redirect_uri(client: &Client, sent: &str, response_type: ResponseType) -> Result<RedirectUri, OAuthError> {
    if sent.is_empty() {
        return match client.redirect_uris.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(OAuthError::invalid_request("redirect_uri is missing, and the client has not registered exactly one")),
        };
    }
    if !registered(client, sent, response_type) {
        return Err(OAuthError::invalid_request(
            "redirect_uri is not one that the client registered: it must be equal character by character",
        ));
    }
    Ok(RedirectUri::from_stored(sent.to_owned()))
}

/// Whether the answer to a request may go to a redirect URI.
pub(super) fn registered(client: &Client, sent: &str, response_type: ResponseType) -> bool {
    client.redirect_uris.iter().any(|uri| match response_type {
        ResponseType::Code => uri.admits(sent, client.application_type),
        // A token goes only to exactly what was registered, loopback ports included.
        ResponseType::Token => uri.as_str() == sent,
    })
}

fn login_uri(configured: &str, workspace: &WorkspaceName, handle: &Secret) -> String {
    let separator = if configured.contains('?') { '&' } else { '?' };
    format!("{configured}{separator}workspace={workspace}&handle={}", handle.expose_secret())
}
