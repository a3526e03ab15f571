//! Managing the people of a workspace, and marks about subjects that a login application vouches for.

use crate::engine::Engine;
use crate::engine::page::PageRequest;
use crate::engine::people::passwords::reserved;
use crate::engine::trusted::Administrator;
use crate::store::Replaced;
use crate::store::user::User;
use crate::types::error::Refusal;
use crate::types::ids::{Subject, WorkspaceName};
use crate::types::secret::Secret;
use crate::types::time::UnixMillis;

const UNKNOWN: Refusal = Refusal::NotFound("there is no such user in this workspace");

/// Whether a user sees and changes every application of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees them all.
    Administrator,
    /// Sees those of their own.
    Person,
}

/// A user to be.
#[derive(Debug)]
pub struct NewUser {
    /// Becomes the subject too.
    pub username: String,
    /// `None` for a person who cannot sign in with one.
    pub password: Option<Secret>,
    /// What they see of the workspace.
    pub role: Role,
}

impl Engine {
    /// Creates a user, whose name becomes the subject.
    ///
    /// # Errors
    /// `InvalidField` for a name that no subject may have or a password that is too short, `AlreadyExists`.
    pub async fn create_user(&self, _caller: Administrator, workspace: &WorkspaceName, new: NewUser) -> Result<User, Refusal> {
        let id = self.workspace(workspace)?.record.id;
        let invalid = |why: String| Refusal::InvalidField("username", why.into());
        let subject = Subject::parse(&new.username).map_err(|error| invalid(error.to_string()))?;
        if reserved(&subject) {
            return Err(invalid("must not begin with jc_, as the ids of clients do".to_owned()));
        }
        let password = match new.password {
            Some(password) => {
                self.check_new_password(&password)?;
                Some(self.hash_password(id, &subject, password).await?)
            }
            None => None,
        };
        let administrator = new.role == Role::Administrator;
        let new = User { password, administrator, ..self.blank_user(subject, true) };
        if self.store.insert_user(id, &new).await? {
            return Ok(new);
        }
        // A mark about a subject is no user yet: it becomes one, and keeps what it marks.
        self.change_user(workspace, &new.subject, |user| match user.in_directory {
            true => Err(Refusal::AlreadyExists("there is a user of that name already")),
            false => Ok(User { in_directory: true, password: new.password.clone(), administrator, ..user }),
        })
        .await
    }

    /// Gives a user a new password.  What the old one gave ends: sessions, codes and tokens.
    ///
    /// # Errors
    /// `NotFound`, and `InvalidField` for a password that is too short.
    pub async fn set_user_password(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        subject: &str,
        password: Secret,
    ) -> Result<User, Refusal> {
        let id = self.workspace(workspace)?.record.id;
        let subject = Subject::parse(subject).map_err(|_| UNKNOWN)?;
        self.check_new_password(&password)?;
        let hash = self.hash_password(id, &subject, password).await?;
        let now = self.clock.now();
        self.change_user(workspace, &subject, |user| match (user.in_directory, &user.password) {
            (true, Some(_)) => Ok(User { password: Some(hash.clone()), not_before: now.max(user.not_before), ..user }),
            (true, None) => Ok(User { password: Some(hash.clone()), ..user }),
            (false, _) => Err(UNKNOWN),
        })
        .await
    }

    /// Makes a user an administrator of the workspace's applications, or no longer one.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_user_role(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        subject: &str,
        role: Role,
    ) -> Result<User, Refusal> {
        let subject = Subject::parse(subject).map_err(|_| UNKNOWN)?;
        self.change_user(workspace, &subject, |user| match user.in_directory {
            true => Ok(User { administrator: role == Role::Administrator, ..user }),
            false => Err(UNKNOWN),
        })
        .await
    }

    /// One page of a workspace's users, in the order of their subjects, and the first of the next.
    ///
    /// # Errors
    /// `InvalidField` for a page token from elsewhere.
    pub async fn list_users(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        page: &PageRequest,
    ) -> Result<Vec<User>, Refusal> {
        let id = self.workspace(workspace)?.record.id;
        let after = page.after.as_deref().map(Subject::parse).transpose();
        let after = after.map_err(|_| Refusal::InvalidField("page_token", "is not one that was answered before".into()))?;
        Ok(self.store.users(id, after.as_ref(), page.limit()).await?)
    }

    /// Disables or enables a user.  What a disabled user had has ended, and does not come back when they are enabled.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_user_disabled(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        subject: &str,
        disabled: bool,
    ) -> Result<User, Refusal> {
        let subject = Subject::parse(subject).map_err(|_| UNKNOWN)?;
        let now = self.clock.now();
        self.change_user(workspace, &subject, |user| match (user.in_directory, disabled) {
            (true, true) => Ok(User { disabled, not_before: now.max(user.not_before), ..user }),
            (true, false) => Ok(User { disabled, ..user }),
            (false, _) => Err(UNKNOWN),
        })
        .await
    }

    /// Ends every token that was issued for a subject until now, in the directory or not.
    ///
    /// # Errors
    /// `InvalidField` for what no subject can be.
    pub async fn revoke_user_tokens(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        subject: &str,
    ) -> Result<(), Refusal> {
        let id = self.workspace(workspace)?.record.id;
        let subject = Subject::parse(subject).map_err(|error| Refusal::InvalidField("subject", error.to_string().into()))?;
        let now = self.clock.now();
        let mark = User { not_before: now, ..self.blank_user(subject, false) };
        if self.store.insert_user(id, &mark).await? {
            return Ok(());
        }
        let change = |user: User| Ok(User { not_before: now.max(user.not_before), ..user });
        self.change_user(workspace, &mark.subject, change).await.map(|_| ())
    }

    /// Changes a user, again on the newer record when another caller was faster.
    async fn change_user(
        &self,
        workspace: &WorkspaceName,
        subject: &Subject,
        change: impl Fn(User) -> Result<User, Refusal> + Send,
    ) -> Result<User, Refusal> {
        let id = self.workspace(workspace)?.record.id;
        loop {
            let before = self.store.user(id, subject).await?.ok_or(UNKNOWN)?;
            let expected = before.revision;
            let changed = User { revision: expected.saturating_add(1), ..change(before)? };
            match self.store.replace_user(id, expected, &changed).await? {
                Replaced::Done => return Ok(changed),
                Replaced::Missing => return Err(UNKNOWN),
                Replaced::Changed => {}
            }
        }
    }

    fn blank_user(&self, subject: Subject, in_directory: bool) -> User {
        User {
            username: subject.as_str().to_owned(),
            subject,
            disabled: false,
            created_at: self.now(),
            not_before: UnixMillis::default(),
            in_directory,
            password: None,
            administrator: false,
            revision: 1,
        }
    }
}
