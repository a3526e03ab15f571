//! Managing the people of a workspace, and marks about subjects that a login application vouches for.

use crate::engine::Engine;
use crate::engine::page::PageRequest;
use crate::engine::trusted::Administrator;
use crate::store::Replaced;
use crate::store::user::User;
use crate::types::error::Refusal;
use crate::types::ids::{Subject, WorkspaceName};
use crate::types::time::UnixMillis;

const UNKNOWN: Refusal = Refusal::NotFound("there is no such user in this workspace");

impl Engine {
    /// Creates a user, whose name becomes the subject.
    ///
    /// # Errors
    /// `InvalidField` for a name that no subject may have, `AlreadyExists`.
    pub async fn create_user(&self, _caller: Administrator, workspace: &WorkspaceName, username: &str) -> Result<User, Refusal> {
        let id = self.workspace(workspace)?.record.id;
        let subject = Subject::parse(username).map_err(|error| Refusal::InvalidField("username", error.to_string().into()))?;
        let new = self.blank_user(subject, true);
        if self.store.insert_user(id, &new).await? {
            return Ok(new);
        }
        // A mark about a subject is no user yet: it becomes one, and keeps what it marks.
        self.change_user(workspace, &new.subject, |user| match user.in_directory {
            true => Err(Refusal::AlreadyExists("there is a user of that name already")),
            false => Ok(User { in_directory: true, ..user }),
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

    /// Disables or enables a user.
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
        self.change_user(workspace, &subject, |user| match user.in_directory {
            true => Ok(User { disabled, ..user }),
            false => Err(UNKNOWN),
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
