//! Deciding a request, once, and releasing its answer.
//!
//! The ticket follows from the handle, and the code from the handle or the ticket, so repeating a
//! call answers the same and never issues a second code.

use crate::engine::Engine;
use crate::engine::authorize::response::ResponseTarget;
use crate::engine::authorize::{Details, own_uri};
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::Versioned;
use crate::store::grant::decide::{Decision, DecisionOutcome, Release, Released, decide, release};
use crate::store::grant::{Authorization, AuthorizationRequest, Grant, State, transition};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{Subject, WorkspaceName};
use crate::types::scope::Scope;
use crate::types::secret::Secret;
use crate::types::time::UnixSeconds;

/// The path of the page that brings a browser back with its ticket.
pub const CONTINUE_PATH: &str = "/oauth2/continue";

const DENIED: &str = "the request was denied";
const ALREADY_DECIDED: &str = "the request of this handle was already decided";

/// What the login application says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Yes.
    Approve(Approval),
    /// No.
    Deny,
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
        let workspace = self.workspace(workspace)?;
        require_issuing(&workspace)?;
        let id = workspace.record.id;
        let (handle, loaded) = self.load_by_token(&workspace, Kind::Handle, handle).await?;
        let approved = match verdict {
            Verdict::Deny => None,
            Verdict::Approve(approval) => Some(self.authorization(&workspace, &loaded.record, approval).await?),
        };
        let ticket = handle.derive(Kind::Ticket, id, &self.data_keys);
        let code = handle.derive(Kind::Code, id, &self.data_keys);
        let now = self.now();
        let decision = Decision {
            handle: digest(&handle, id, &self.data_keys),
            approved,
            ticket: digest(&ticket, id, &self.data_keys),
            code: digest(&code, id, &self.data_keys),
            expires_at: now.plus(self.settings.code_lifetime),
            now,
        };
        let outcome = transition(&*self.store, id, handle.grant(), loaded, |grant| decide(grant, &decision)).await?;
        match outcome.unwrap_or(DecisionOutcome::Missing) {
            DecisionOutcome::AwaitsBrowser => {
                let ticket = ticket.encode(id, &self.data_keys);
                Ok(own_uri(&workspace, CONTINUE_PATH, "ticket", ticket.expose_secret()))
            }
            DecisionOutcome::CodeIssued(request) => {
                Ok(target(&request, &workspace).code(code.encode(id, &self.data_keys).expose_secret()))
            }
            DecisionOutcome::Denied(request) => Ok(target(&request, &workspace).error(ErrorCode::AccessDenied, DENIED)),
            DecisionOutcome::AlreadyDecided => Err(OAuthError::invalid_request(ALREADY_DECIDED).into()),
            DecisionOutcome::Missing | DecisionOutcome::Expired => Err(unknown(Kind::Handle).into()),
            DecisionOutcome::WiderScope => Err(OAuthError::invalid_scope("scope is wider than what was asked").into()),
        }
    }

    /// Releases a decided request's answer to the browser with the cookie it began with.
    ///
    /// # Errors
    /// `invalid_request` if the ticket is unknown, over or used, or the browser is another one;
    /// `unauthorized_client` while the workspace is suspended.
    pub async fn continue_authorization(
        &self,
        workspace: &WorkspaceName,
        ticket: &Secret,
        browser: &Secret,
    ) -> Result<String, Refusal> {
        let workspace = self.workspace(workspace)?;
        require_issuing(&workspace)?;
        let id = workspace.record.id;
        let (ticket, loaded) = self.load_by_token(&workspace, Kind::Ticket, ticket).await?;
        let code = ticket.derive(Kind::Code, id, &self.data_keys);
        let now = self.now();
        let released = Release {
            ticket: digest(&ticket, id, &self.data_keys),
            browser: self.data_keys.newest().digest(Purpose::Browser, id, browser.expose_secret()),
            code: digest(&code, id, &self.data_keys),
            expires_at: now.plus(self.settings.code_lifetime),
            now,
        };
        let outcome = transition(&*self.store, id, ticket.grant(), loaded, |grant| release(grant, &released)).await?;
        match outcome.unwrap_or(Released::Missing) {
            Released::Code(request) => Ok(target(&request, &workspace).code(code.encode(id, &self.data_keys).expose_secret())),
            Released::Denied(request) => Ok(target(&request, &workspace).error(ErrorCode::AccessDenied, DENIED)),
            Released::OtherBrowser => Err(OAuthError::invalid_request(
                "this sign-in began in another browser, or its cookie is gone; it is over now: start again from the application",
            )
            .into()),
            Released::Missing | Released::Expired => Err(unknown(Kind::Ticket).into()),
        }
    }

    /// Who allowed what, checked against the directory and the client as it is now.
    pub(super) async fn authorization(
        &self,
        workspace: &WorkspaceEntry,
        grant: &Grant,
        approval: Approval,
    ) -> Result<Authorization, OAuthError> {
        let now = self.clock.now();
        let client = self.clients.get(workspace.record.id, &grant.client).await?;
        if client.is_none_or(|client| client.disabled) {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client was disabled or deleted meanwhile"));
        }
        if !self.person_stands(workspace.record.id, &approval.subject, now).await? {
            return Err(OAuthError::new(ErrorCode::AccessDenied, "the person is disabled"));
        }
        let asked = match &grant.state {
            State::Requested(requested) => &requested.request.scope,
            State::Decided(decided) => &decided.request.scope,
            State::CodeIssued(issued) => &issued.request.scope,
            State::Active(_) | State::Revoked(_) => return Err(OAuthError::invalid_request(ALREADY_DECIDED)),
        };
        Ok(Authorization {
            subject: approval.subject,
            scope: approval.scope.unwrap_or_else(|| asked.clone()),
            auth_time: Some(approval.auth_time.unwrap_or(now.seconds())),
        })
    }

    async fn load_by_token(
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

/// A suspended workspace issues nothing, and a decision or its release would issue a code.
fn require_issuing(workspace: &WorkspaceEntry) -> Result<(), OAuthError> {
    match workspace.record.suspended {
        true => Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the workspace is suspended")),
        false => Ok(()),
    }
}

fn target<'a>(request: &'a AuthorizationRequest, workspace: &'a WorkspaceEntry) -> ResponseTarget<'a> {
    ResponseTarget::new(&request.redirect_uri, request.state.as_deref(), &workspace.issuer)
}

fn unknown(kind: Kind) -> OAuthError {
    OAuthError::invalid_request(match kind {
        Kind::Handle => "handle is unknown or has expired: the authorization request must be made again",
        Kind::Ticket => "the ticket is unknown, used or has expired: start again from the application",
        Kind::Code | Kind::Refresh | Kind::Session => "the token is not known",
    })
}
