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
    /// `unauthorized_client` where people sign in at a login application or the workspace is suspended,
    /// `temporarily_unavailable` when the hook gives no answer or too many people sign in at once.
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
        if workspace.record.suspended {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the workspace is suspended"));
        }
        let method = workspace.record.sign_in;
        if method == SignInMethod::Application {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the people of this workspace sign in at its login application; passwords are not checked here",
            ));
        }
        let user = self.data_keys.newest().digest(Purpose::SignIn, workspace.record.id, &counted(username));
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

/// The name that failures are counted under: a directory of the operator's may read several spellings as one name,
/// and each would have its own free guesses.
fn counted(username: &str) -> String {
    username.chars().filter(|c| !c.is_whitespace() && !c.is_control()).flat_map(char::to_lowercase).collect()
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

#[cfg(test)]
mod tests {
    // Hashes of another time, which no surface can put into the store.
    use std::sync::Arc;

    use tempfile::TempDir;

    use crate::engine::Engine;
    use crate::engine::opening::Means;
    use crate::engine::settings::Settings;
    use crate::engine::workspaces::WorkspaceEntry;
    use crate::keys::master_key::MasterKey;
    use crate::keys::password::{Salt, hash_with_half_the_memory, up_to_date};
    use crate::store::sled::{SledOptions, SledStore};
    use crate::store::user::{PasswordHash, User};
    use crate::types::entropy::{Entropy, OsEntropy, SeededEntropy};
    use crate::types::error::ErrorCode;
    use crate::types::ids::{Subject, WorkspaceName};
    use crate::types::secret::Secret;
    use crate::types::time::{ManualClock, UnixMillis, UnixSeconds};

    const PASSWORD: &str = "correct horse";
    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    /// An engine whose only person has a hash with half of today's memory.
    struct Old {
        engine: Engine,
        workspace: Arc<WorkspaceEntry>,
        alice: Subject,
        _data: TempDir,
    }

    impl Old {
        async fn new() -> Self {
            let data = TempDir::new().unwrap();
            let options = SledOptions { min_free_bytes: 0, ..SledOptions::new(data.path()) };
            let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
            let means = Means {
                store: Arc::new(SledStore::open(options).unwrap()),
                clock: Arc::new(ManualClock::at(NOW)),
                entropy: Arc::clone(&entropy),
                master_key: MasterKey::generate(&SeededEntropy::new(1)).unwrap(),
                admin_token: Secret::new("0123456789abcdef0123456789abcdef".to_owned()),
                credential_check: None,
            };
            let engine = Engine::open(means, Settings::default()).await.unwrap();
            let workspace = engine.workspace(&WorkspaceName::default_workspace()).unwrap();
            let (id, alice) = (workspace.record.id, Subject::parse("alice").unwrap());
            let keys = engine.data_keys.newest();
            let (salt, pepper) = (Salt::generate(&*entropy).unwrap(), keys.pepper(id, &alice));
            let phc = hash_with_half_the_memory(&Secret::new(PASSWORD.to_owned()), &salt, &pepper).unwrap();
            assert!(!up_to_date(&phc));
            let user = User {
                subject: alice.clone(),
                username: "alice".to_owned(),
                disabled: false,
                created_at: NOW,
                not_before: UnixMillis(0),
                in_directory: true,
                password: Some(PasswordHash { data_key: keys.id(), phc }),
                administrator: true,
                revision: 1,
            };
            assert!(engine.store.insert_user(id, &user).await.unwrap());
            Self { engine, workspace, alice, _data: data }
        }

        async fn sign_in(&self, password: &str) -> Result<Subject, ErrorCode> {
            let password = Secret::new(password.to_owned());
            self.engine.check_password(&self.workspace, "alice", &password, None).await.map_err(|error| error.code)
        }

        async fn kept(&self) -> User {
            self.engine.store.user(self.workspace.record.id, &self.alice).await.unwrap().unwrap()
        }
    }

    fn phc(user: &User) -> &Secret {
        &user.password.as_ref().unwrap().phc
    }

    /// OWASP password storage: the work is raised when the password is there, which is at a sign-in.
    #[tokio::test]
    async fn a_good_password_renews_a_weaker_hash() {
        let old = Old::new().await;
        assert_eq!(old.sign_in(PASSWORD).await, Ok(old.alice.clone()));
        let renewed = old.kept().await;
        assert!(up_to_date(phc(&renewed)));
        assert_eq!(
            (renewed.revision, renewed.administrator, renewed.in_directory, renewed.not_before),
            (2, true, true, UnixMillis(0))
        );

        assert_eq!(old.sign_in(PASSWORD).await, Ok(old.alice.clone()));
        assert_eq!(old.sign_in("another password").await, Err(ErrorCode::InvalidGrant));
        let again = old.kept().await;
        assert_eq!(phc(&again).expose_secret(), phc(&renewed).expose_secret(), "once is enough");
        assert_eq!(again.revision, 2);
    }

    #[tokio::test]
    async fn a_wrong_password_renews_nothing() {
        let old = Old::new().await;
        let before = old.kept().await;
        assert_eq!(old.sign_in("correct hors").await, Err(ErrorCode::InvalidGrant));
        let after = old.kept().await;
        assert_eq!((phc(&after).expose_secret(), after.revision), (phc(&before).expose_secret(), 1));
    }
}
