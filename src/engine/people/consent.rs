//! Consents: what a person allowed a client, kept until it is withdrawn.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::manage_scopes::ScopeInWords;
use crate::engine::people::form::SentForm;
use crate::engine::people::session::SignedIn;
use crate::engine::trusted::Administrator;
use crate::store::Replaced;
use crate::store::client::Client;
use crate::store::consent::Consent;
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::{ClientId, Subject, WorkspaceId, WorkspaceName};
use crate::types::scope::Scope;
use crate::types::time::UnixMillis;

const UNKNOWN: Refusal = Refusal::NotFound("there is no such consent in this workspace");

/// A consent that stands, and whom it was given.
#[derive(Clone, Debug)]
pub struct GrantedConsent {
    /// As kept.
    pub consent: Consent,
    /// As it is now.
    pub client: Arc<Client>,
}

impl Engine {
    /// What a signed-in person allowed, in the order of the clients' ids.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn consents_in_words(&self, person: &SignedIn) -> Result<Vec<(GrantedConsent, Vec<ScopeInWords>)>, Refusal> {
        let id = person.workspace().record.id;
        let mut described = Vec::new();
        for granted in self.standing_consents(id, person.subject()).await? {
            let words = self.in_words(id, &granted.consent.scope).await?;
            described.push((granted, words));
        }
        Ok(described)
    }

    /// What a subject allowed, for an operator.
    ///
    /// # Errors
    /// `NotFound` for an unknown workspace, `InvalidField` for what no subject can be.
    pub async fn list_user_consents(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        subject: &str,
    ) -> Result<Vec<GrantedConsent>, Refusal> {
        self.standing_consents(self.workspace(workspace)?.record.id, &parse(subject)?).await
    }

    /// Withdraws what a signed-in person allowed a client: every grant that came of it ends.
    ///
    /// # Errors
    /// `NotFound` when there is neither the client nor a consent for it.
    pub async fn withdraw_consent(&self, form: &SentForm, client: &str) -> Result<(), Refusal> {
        let person = form.person();
        self.withdraw(person.workspace().record.id, person.subject(), client).await
    }

    /// As [`Engine::withdraw_consent`], for an operator.
    ///
    /// # Errors
    /// As [`Engine::withdraw_consent`], and `InvalidField` for what no subject can be.
    pub async fn withdraw_user_consent(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        subject: &str,
        client: &str,
    ) -> Result<(), Refusal> {
        self.withdraw(self.workspace(workspace)?.record.id, &parse(subject)?, client).await
    }

    /// Adds to what a person allowed a client.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn remember_consent(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        client: &ClientId,
        scope: &Scope,
    ) -> Result<(), OAuthError> {
        let now = self.now();
        let first = || Consent {
            subject: subject.clone(),
            client: client.clone(),
            scope: scope.clone(),
            granted_at: now,
            not_before: UnixMillis::default(),
            revision: 1,
        };
        self.change_consent(workspace, subject, client, first, |before| Consent {
            scope: union(&before.scope, scope),
            granted_at: now,
            ..before
        })
        .await
    }

    async fn withdraw(&self, workspace: WorkspaceId, subject: &Subject, client: &str) -> Result<(), Refusal> {
        let client = ClientId::parse(client).map_err(|_| UNKNOWN)?;
        // Without a record there may still be grants: a login application allowed them.
        if self.store.consent(workspace, subject, &client).await?.is_none()
            && self.clients.get(workspace, &client).await?.is_none()
        {
            return Err(UNKNOWN);
        }
        let now = self.clock.now();
        let mark = || Consent {
            subject: subject.clone(),
            client: client.clone(),
            scope: Scope::empty(),
            granted_at: now.seconds(),
            not_before: now,
            revision: 1,
        };
        let change = |before: Consent| Consent { scope: Scope::empty(), not_before: now.max(before.not_before), ..before };
        Ok(self.change_consent(workspace, subject, &client, mark, change).await?)
    }

    /// Changes a consent, again on the newer record when another caller was faster.
    async fn change_consent(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        client: &ClientId,
        first: impl Fn() -> Consent + Send,
        change: impl Fn(Consent) -> Consent + Send,
    ) -> Result<(), OAuthError> {
        loop {
            let done = match self.store.consent(workspace, subject, client).await? {
                None => self.store.insert_consent(workspace, &first()).await?,
                Some(before) => {
                    let expected = before.revision;
                    let changed = Consent { revision: expected.saturating_add(1), ..change(before) };
                    self.store.replace_consent(workspace, expected, &changed).await? == Replaced::Done
                }
            };
            if done {
                return Ok(());
            }
        }
    }

    async fn standing_consents(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Vec<GrantedConsent>, Refusal> {
        let mut standing = Vec::new();
        for consent in self.store.consents(workspace, subject).await? {
            // A withdrawal leaves no scope either, but nothing was allowed since.
            if consent.scope.is_empty() && consent.granted_at <= consent.not_before.seconds() {
                continue;
            }
            // A client that is gone can do nothing with what it was allowed.
            if let Some(client) = self.clients.get(workspace, &consent.client).await? {
                standing.push(GrantedConsent { consent, client });
            }
        }
        Ok(standing)
    }
}

fn parse(subject: &str) -> Result<Subject, Refusal> {
    Subject::parse(subject).map_err(|error| Refusal::InvalidField("subject", error.to_string().into()))
}

/// Both scopes in one; only the newer one when both together are too long, so that the person is asked again.
fn union(before: &Scope, added: &Scope) -> Scope {
    if before.is_empty() {
        return added.clone();
    }
    Scope::parse(&format!("{before} {added}")).unwrap_or_else(|_| added.clone())
}
