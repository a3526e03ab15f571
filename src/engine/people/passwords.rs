//! Who a username and a password are: in the workspace's own directory, or at the operator's hook.
//!
//! Every path to a sign-in comes through here, so that one counter sees every failure (threats K1 and K2).

use std::net::IpAddr;

use tracing::{info, warn};

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::keys::data_keys::Purpose;
use crate::keys::password::{self, CannotHash, MOST_BYTES, Salt};
use crate::store::user::{PasswordHash, User};
use crate::types::authorization::SignInMethod;
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::{Subject, WorkspaceId};
use crate::types::secret::Secret;

impl Engine {
    /// Who a username and a password are.
    ///
    /// # Errors
    /// `invalid_grant` when they are nobody's, `too_many_requests` after too many failures,
    /// `unauthorized_client` where people sign in at a login application, `temporarily_unavailable` when
    /// the hook gives no answer or too many people sign in at once.
    pub(crate) async fn check_password(
        &self,
        workspace: &WorkspaceEntry,
        username: &str,
        password: &Secret,
        address: Option<IpAddr>,
    ) -> Result<Subject, OAuthError> {
        let checked = self.check_within_limits(workspace, username, password, address).await;
        let outcome = checked.as_ref().map_or_else(|error| error.code.as_str(), |_| "ok");
        metrics::counter!("jeton_sign_ins_total", "outcome" => outcome).increment(1);
        // Without the username: people type their password there.
        let address = address.map(tracing::field::display);
        info!(target: "jeton::audit", event = "sign_in", workspace = %workspace.record.name, outcome, address, "a password was presented");
        checked
    }

    async fn check_within_limits(
        &self,
        workspace: &WorkspaceEntry,
        username: &str,
        password: &Secret,
        address: Option<IpAddr>,
    ) -> Result<Subject, OAuthError> {
        let method = workspace.record.sign_in;
        if method == SignInMethod::Application {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the people of this workspace sign in at its login application; passwords are not checked here",
            ));
        }
        let user = self.data_keys.newest().digest(Purpose::SignIn, workspace.record.id, username);
        let attempt = self.people.backoff.book(&user, address, self.clock.now()).map_err(OAuthError::too_many_requests)?;
        let checked = match method {
            SignInMethod::CredentialCheck => self.check_at_hook(workspace, username, password).await,
            SignInMethod::Directory | SignInMethod::Application => self.check_in_directory(workspace, username, password).await,
        };
        match checked {
            Ok(Some(subject)) => {
                attempt.take_back();
                Ok(subject)
            }
            Ok(None) => Err(OAuthError::invalid_grant("username or password is wrong")),
            // A fault told nobody whether the guess was good.
            Err(error) => {
                attempt.take_back();
                Err(error)
            }
        }
    }

    async fn check_in_directory(
        &self,
        workspace: &WorkspaceEntry,
        username: &str,
        password: &Secret,
    ) -> Result<Option<Subject>, OAuthError> {
        let id = workspace.record.id;
        let Some(user) = self.user_with_password(id, username).await? else {
            // As expensive as a comparison, so that time tells nobody who exists (threat E7).
            self.hash_password(id, &self.people.nobody, password.clone()).await?;
            return Ok(None);
        };
        let (person, hash) = &user;
        if !self.verify_password(id, &person.subject, password.clone(), hash).await? {
            return Ok(None);
        }
        // Looked at again: the person may have been disabled, or given another password, while this one was hashed.
        let Some((now, kept)) = self.user_with_password(id, username).await? else { return Ok(None) };
        if kept.phc.expose_secret() != hash.phc.expose_secret() {
            return Ok(None);
        }
        if hash.data_key != self.data_keys.newest().id() || !password::up_to_date(&hash.phc) {
            self.renew_hash(id, now, password).await;
        }
        Ok(Some(user.0.subject))
    }

    /// A person who can sign in with a password.
    async fn user_with_password(
        &self,
        workspace: WorkspaceId,
        username: &str,
    ) -> Result<Option<(User, PasswordHash)>, OAuthError> {
        let Ok(subject) = Subject::parse(username) else { return Ok(None) };
        let user = self.store.user(workspace, &subject).await?.filter(|user| user.in_directory && !user.disabled);
        Ok(user.and_then(|user| user.password.clone().map(|hash| (user, hash))))
    }

    /// Keeps the hash of a good password as it is made today.  When it cannot, the next sign-in tries again.
    async fn renew_hash(&self, workspace: WorkspaceId, user: User, password: &Secret) {
        let Ok(hash) = self.hash_password(workspace, &user.subject, password.clone()).await else { return };
        let expected = user.revision;
        let renewed = User { password: Some(hash), revision: expected.saturating_add(1), ..user };
        if let Err(cause) = self.store.replace_user(workspace, expected, &renewed).await {
            warn!(%cause, "a password's hash was not renewed");
        }
    }

    async fn check_at_hook(
        &self,
        workspace: &WorkspaceEntry,
        username: &str,
        password: &Secret,
    ) -> Result<Option<Subject>, OAuthError> {
        let unavailable = |cause: String| OAuthError {
            cause: Some(cause.into()),
            retry_after: Some(1),
            ..OAuthError::new(ErrorCode::TemporarilyUnavailable, "passwords cannot be checked at present; try again later")
        };
        let Some(hook) = self.people.credential_check.clone() else {
            return Err(unavailable("hooks.credential_check_uri is not set, and the workspace needs it".to_owned()));
        };
        if username.len() > MOST_BYTES || password.expose_secret().len() > MOST_BYTES {
            return Ok(None);
        }
        let answer = hook.check(&workspace.record.name, username, password).await;
        let Some(subject) = answer.map_err(|cause| unavailable(cause.to_string()))? else { return Ok(None) };
        if reserved(&subject) {
            return Err(unavailable("the credential check answered a subject that looks like a client_id".to_owned()));
        }
        let user = self.store.user(workspace.record.id, &subject).await?;
        Ok(if user.is_some_and(|user| user.disabled) { None } else { Some(subject) })
    }

    async fn verify_password(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        password: Secret,
        hash: &PasswordHash,
    ) -> Result<bool, OAuthError> {
        let keys = self.data_keys.get(hash.data_key);
        let keys = keys.ok_or_else(|| OAuthError::server_error("a password was hashed with data keys that are gone"))?;
        let (pepper, phc) = (keys.pepper(workspace, subject), hash.phc.clone());
        let short = shortened(password);
        self.people.hashing.run(move || password::verify(&short, &phc, &pepper)).await?.map_err(failed)
    }

    /// What is kept of a new password, with the newest data keys.
    ///
    /// # Errors
    /// `temporarily_unavailable` without randomness, or when too many hashes are wanted at once.
    pub(crate) async fn hash_password(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        password: Secret,
    ) -> Result<PasswordHash, OAuthError> {
        let keys = self.data_keys.newest();
        let (pepper, salt) = (keys.pepper(workspace, subject), Salt::generate(&*self.entropy)?);
        let short = shortened(password);
        let phc = self.people.hashing.run(move || password::hash(&short, &salt, &pepper)).await?.map_err(failed)?;
        Ok(PasswordHash { data_key: keys.id(), phc })
    }

    /// Whether a new password is one that a person may have (NIST SP 800-63B section 3.1.1.2): its length counts,
    /// and nothing of what it is made of.
    ///
    /// # Errors
    /// `InvalidField`.
    pub(crate) fn check_new_password(&self, password: &Secret) -> Result<(), Refusal> {
        let (text, least) = (password.expose_secret(), self.settings.password_min_length);
        if text.chars().count() < least || text.len() > MOST_BYTES {
            let why = format!("must be at least {least} characters and at most {MOST_BYTES} bytes");
            return Err(Refusal::InvalidField("password", why.into()));
        }
        Ok(())
    }
}

/// Whether a subject could be mistaken for a client: a `sub` is never a `client_id` of somebody else.
pub(crate) fn reserved(subject: &Subject) -> bool {
    subject.as_str().starts_with("jc_")
}

/// One that is too long is nobody's: what is compared instead is no password that can be set.
fn shortened(password: Secret) -> Secret {
    if password.expose_secret().len() > MOST_BYTES { Secret::default() } else { password }
}

fn failed(cause: CannotHash) -> OAuthError {
    OAuthError::server_error(cause)
}
