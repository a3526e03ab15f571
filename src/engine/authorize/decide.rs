//! Deciding a request, once.
//!
//! The ticket follows from the handle, and the code from the handle or the ticket, so repeating a
//! call answers the same and never issues a second code.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::authorize::implicit::ImplicitClient;
use crate::engine::authorize::response::ResponseTarget;
use crate::engine::authorize::validate::registered;
use crate::engine::authorize::{CODE_PAGE_PATH, Details, own_uri, shows_code};
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::Versioned;
use crate::store::client::Client;
use crate::store::grant::decide::{Decision, DecisionOutcome, decide};
use crate::store::grant::{Authorization, AuthorizationRequest, Grant, State, transition};
use crate::types::authorization::ResponseType;
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{Subject, WorkspaceName};
use crate::types::scope::Scope;
use crate::types::secret::Secret;
use crate::types::time::UnixSeconds;

/// The path of the page that brings a browser back with its ticket.
pub const CONTINUE_PATH: &str = "/oauth2/continue";

const ALREADY_DECIDED: &str = "the request of this handle was already decided";

/// What is decided.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Yes.
    Approve(Approval),
    /// No: `access_denied`, or why `prompt=none` cannot be answered.
    Deny(ErrorCode),
}

/// Who signed in, and what they allowed.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Becomes `sub`.
    pub subject: Subject,
    /// `None` allows all that was asked.
    pub scope: Option<Scope>,
    /// `None` for now.
    pub auth_time: Option<UnixSeconds>,
}

impl Engine {
    /// What a handle's request asks for.
    ///
    /// # Errors
    /// `invalid_request` if the handle is unknown, decided or over.
    pub async fn authorization_details(&self, workspace: &WorkspaceName, handle: &Secret) -> Result<Details, Refusal> {
        let workspace = self.workspace(workspace)?;
        let (handle, loaded) = self.load_by_token(&workspace, Kind::Handle, handle).await?;
        let State::Requested(requested) = &loaded.record.state else {
            return Err(OAuthError::invalid_request(ALREADY_DECIDED).into());
        };
        let same = requested.handle.matches(&digest(&handle, workspace.record.id, &self.data_keys));
        if !same || self.now() >= requested.expires_at {
            return Err(unknown(Kind::Handle).into());
        }
        let client = self.clients.get(workspace.record.id, &loaded.record.client).await?;
        let client = client.ok_or_else(|| unknown(Kind::Handle))?;
        Ok(Details::of(&client, &requested.request, requested.expires_at))
    }

    /// Allows or denies a request, and says where the browser goes now.
    ///
    /// # Errors
    /// `invalid_request` if the handle is unknown, over, or was decided otherwise; `invalid_scope` if
    /// more is allowed than was asked; `access_denied` if the person may not be spoken for;
    /// `unauthorized_client` while the workspace is suspended or the client is disabled.
    pub async fn decide_authorization(
        &self,
        workspace: &WorkspaceName,
        handle: &Secret,
        verdict: Verdict,
    ) -> Result<String, Refusal> {
        self.decide(workspace, handle, None, verdict).await
    }

    /// As [`Engine::decide_authorization`], by the person with the browser that asked: decided and
    /// answered in one step.
    ///
    /// # Errors
    /// As [`Engine::decide_authorization`]; the handle is unknown to every other browser.
    pub async fn decide_in_browser(
        &self,
        workspace: &WorkspaceName,
        handle: &Secret,
        browser: &Secret,
        verdict: Verdict,
    ) -> Result<String, Refusal> {
        self.decide(workspace, handle, Some(browser), verdict).await
    }

    async fn decide(
        &self,
        workspace: &WorkspaceName,
        sent: &Secret,
        browser: Option<&Secret>,
        verdict: Verdict,
    ) -> Result<String, Refusal> {
        let workspace = self.workspace(workspace)?;
        require_issuing(&workspace)?;
        let id = workspace.record.id;
        let (handle, loaded) = self.load_by_token(&workspace, Kind::Handle, sent).await?;
        let (approved, denial, implicit) = match verdict {
            Verdict::Deny(code) => (None, code, None),
            Verdict::Approve(approval) => {
                let client = self.client_of(&workspace, &loaded.record).await?;
                let authorization = self.authorization(&workspace, &loaded.record, approval).await?;
                let implicit = self.implicit_of(&workspace, &client, &loaded.record, Some(&authorization)).await?;
                (Some(authorization), ErrorCode::AccessDenied, implicit)
            }
        };
        let ticket = handle.derive(Kind::Ticket, id, &self.data_keys);
        let code = handle.derive(Kind::Code, id, &self.data_keys);
        let now = self.now();
        let decision = Decision {
            handle: digest(&handle, id, &self.data_keys),
            approved,
            denial,
            ticket: digest(&ticket, id, &self.data_keys),
            code: digest(&code, id, &self.data_keys),
            browser: browser.map(|cookie| self.data_keys.newest().digest(Purpose::Browser, id, cookie.expose_secret())),
            expires_at: now.plus(self.code_lifetime(&workspace, &loaded.record)),
            token_expires_at: implicit.as_ref().map_or(now, |client| self.implicit_end(client.workspace(), client.client())),
            now,
        };
        self.require_fresh()?;
        let outcome = transition(&*self.store, id, handle.grant(), loaded, |grant| decide(grant, &decision)).await?;
        match outcome.unwrap_or(DecisionOutcome::Missing) {
            DecisionOutcome::AwaitsBrowser => {
                let ticket = ticket.encode(id, &self.data_keys);
                Ok(own_uri(&workspace, CONTINUE_PATH, "ticket", ticket.expose_secret()))
            }
            DecisionOutcome::CodeIssued(request) => Ok(self.code_answer(&workspace, &request, &code, "handle", sent)),
            DecisionOutcome::Active(request, authorization) => {
                // Unreachable without it: the request would not have been approved.
                let client = implicit.ok_or_else(gone)?;
                Ok(self.implicit_answer(&client, handle.grant(), &request, authorization)?)
            }
            DecisionOutcome::Denied(request, code) => Ok(denied(&workspace, &request, code)),
            DecisionOutcome::AlreadyDecided => Err(OAuthError::invalid_request(ALREADY_DECIDED).into()),
            DecisionOutcome::Missing | DecisionOutcome::Expired => Err(unknown(Kind::Handle).into()),
            DecisionOutcome::WiderScope => Err(OAuthError::invalid_scope("scope is wider than what was asked").into()),
        }
    }

    /// Where the browser goes with a code.  To our own page it goes with what released the code, so
    /// that the code stands in no URL.
    pub(super) fn code_answer(
        &self,
        workspace: &WorkspaceEntry,
        request: &AuthorizationRequest,
        code: &Opaque,
        parameter: &str,
        released_by: &Secret,
    ) -> String {
        if request.browser.is_some() && shows_code(workspace, request.redirect_uri.as_str()) {
            return own_uri(workspace, CODE_PAGE_PATH, parameter, released_by.expose_secret());
        }
        let code = code.encode(workspace.record.id, &self.data_keys);
        ResponseTarget::of(request, &workspace.issuer).code(code.expose_secret())
    }

    /// A person needs longer to copy a code than a program to redeem it.
    pub(super) fn code_lifetime(&self, workspace: &WorkspaceEntry, grant: &Grant) -> i64 {
        match asked(grant) {
            Some(request) if shows_code(workspace, request.redirect_uri.as_str()) => self.settings.shown_code_lifetime,
            _ => self.settings.code_lifetime,
        }
    }

    /// The proof that a token may be answered, for a request that asks for one.  What it would rest on is
    /// looked at here, for there is no redemption that would do it.
    pub(super) async fn implicit_of(
        &self,
        workspace: &Arc<WorkspaceEntry>,
        client: &Arc<Client>,
        grant: &Grant,
        authorization: Option<&Authorization>,
    ) -> Result<Option<ImplicitClient>, OAuthError> {
        match asked(grant).map(|request| request.response_type) {
            Some(ResponseType::Token) => {}
            Some(ResponseType::Code) | None => return Ok(None),
        }
        if let Some(authorization) = authorization
            && let Some(reason) = self.withdrawn(workspace.record.id, client, grant, authorization).await?
        {
            return Err(OAuthError::new(ErrorCode::AccessDenied, reason));
        }
        self.implicit_client(workspace, client).map(Some)
    }

    /// The client of a request, enabled, and with the redirect URI that the answer goes to.
    pub(super) async fn client_of(&self, workspace: &WorkspaceEntry, grant: &Grant) -> Result<Arc<Client>, OAuthError> {
        let client = self.clients.get(workspace.record.id, &grant.client).await?;
        let client = client.filter(|client| !client.disabled).ok_or_else(gone)?;
        let stays = |request: &AuthorizationRequest| registered(&client, request.redirect_uri.as_str(), request.response_type);
        if asked(grant).is_some_and(|request| !stays(request)) {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client lost its redirect URI meanwhile"));
        }
        Ok(client)
    }

    /// Who allowed what, checked against the directory and the request.
    async fn authorization(
        &self,
        workspace: &WorkspaceEntry,
        grant: &Grant,
        approval: Approval,
    ) -> Result<Authorization, OAuthError> {
        let now = self.clock.now();
        if !self.person_stands(workspace.record.id, &approval.subject, now).await? {
            return Err(OAuthError::new(ErrorCode::AccessDenied, "the person is disabled"));
        }
        let request = asked(grant).ok_or_else(|| OAuthError::invalid_request(ALREADY_DECIDED))?;
        let auth_time = approval.auth_time.unwrap_or(now.seconds());
        if request.max_age.is_some_and(|most| now.seconds().since(auth_time) > most.saturating_add(self.settings.clock_skew)) {
            return Err(OAuthError::invalid_request("auth_time is older than max_age allows: the person must sign in again"));
        }
        Ok(Authorization {
            subject: approval.subject,
            scope: approval.scope.unwrap_or_else(|| request.scope.clone()),
            auth_time: Some(auth_time),
        })
    }

    pub(super) async fn load_by_token(
        &self,
        workspace: &WorkspaceEntry,
        kind: Kind,
        token: &Secret,
    ) -> Result<(Opaque, Versioned<Grant>), OAuthError> {
        let id = workspace.record.id;
        let token = Opaque::parse(kind, id, token, &self.data_keys).ok_or_else(|| unknown(kind))?;
        let loaded = self.store.grant(id, token.grant()).await?.ok_or_else(|| unknown(kind))?;
        Ok((token, loaded))
    }
}

/// What was asked, until it is redeemed.
fn asked(grant: &Grant) -> Option<&AuthorizationRequest> {
    match &grant.state {
        State::Requested(requested) => Some(&requested.request),
        State::Decided(decided) => Some(&decided.request),
        State::CodeIssued(issued) => Some(&issued.request),
        State::Active(_) | State::Revoked(_) => None,
    }
}

/// A suspended workspace issues nothing, and a decision or its release would issue a code.
pub(super) fn require_issuing(workspace: &WorkspaceEntry) -> Result<(), OAuthError> {
    match workspace.record.suspended {
        true => Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the workspace is suspended")),
        false => Ok(()),
    }
}

fn gone() -> OAuthError {
    OAuthError::new(ErrorCode::UnauthorizedClient, "the client was disabled or deleted meanwhile")
}

/// Where the browser goes with a refusal.
pub(super) fn denied(workspace: &WorkspaceEntry, request: &AuthorizationRequest, code: ErrorCode) -> String {
    ResponseTarget::of(request, &workspace.issuer).error(code, denial(code))
}

/// What the client's developer is told.
fn denial(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::LoginRequired => "the person is not signed in, and prompt=none forbids to ask",
        ErrorCode::ConsentRequired => "the person must consent, and prompt=none forbids to ask",
        ErrorCode::InteractionRequired => "the person must do something, and prompt=none forbids to ask",
        _ => "the request was denied",
    }
}

pub(super) fn unknown(kind: Kind) -> OAuthError {
    OAuthError::invalid_request(match kind {
        Kind::Handle => "handle is unknown or has expired: the authorization request must be made again",
        Kind::Ticket => "the ticket is unknown, used or has expired: start again from the application",
        Kind::Code | Kind::Refresh | Kind::Session => "the token is not known",
    })
}
