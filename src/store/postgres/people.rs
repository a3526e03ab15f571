//! Users, their sessions, and what they allowed.

use crate::store::consent::Consent;
use crate::store::postgres::base::{Base, unexpected};
use crate::store::postgres::changes::ChangeRow;
use crate::store::postgres::request::{Answer, Parameter, Work};
use crate::store::postgres::value::{behind, count, number, record, records, telling, text, workspace_value};
use crate::store::session::Session;
use crate::store::standing::Standing;
use crate::store::user::User;
use crate::store::{Replaced, StoreError, codec, place};
use crate::types::ids::{ClientId, SessionId, Subject, WorkspaceId};
use crate::types::time::UnixMillis;

impl Base {
    pub(super) async fn add_user(&self, workspace: WorkspaceId, user: &User) -> Result<bool, StoreError> {
        let bytes = codec::encode(&place::user(workspace, &user.subject), user)?;
        let own = vec![text(user.subject.as_str()), number(user.revision), Box::new(bytes.clone()) as Parameter];
        let returned = match subject_mark(workspace, user) {
            Some(mark) => {
                self.tell(
                    telling!(
                        "INSERT INTO users (workspace, subject, revision, record) VALUES ($4, $7, $8, $9) ON CONFLICT DO NOTHING"
                    ),
                    &mark,
                    own,
                )
                .await?
            }
            None => {
                let statement = "INSERT INTO users (workspace, subject, revision, record) VALUES ($1, $2, $3, $4) \
                                 ON CONFLICT DO NOTHING RETURNING 1";
                self.call(statement, behind(workspace, own)).await?
            }
        };
        self.inserted(returned, USER, vec![workspace_value(workspace), text(user.subject.as_str())], &bytes).await
    }

    pub(super) async fn one_user(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Option<User>, StoreError> {
        let rows = self.call(USER, vec![workspace_value(workspace), text(subject.as_str())]).await?.rows;
        record(&rows, &place::user(workspace, subject))
    }

    pub(super) async fn standing(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        client: &ClientId,
    ) -> Result<Standing, StoreError> {
        let work =
            Work::Standing { workspace: workspace.0, subject: subject.as_str().to_owned(), client: client.as_str().to_owned() };
        let Answer::Standing(user, consent) = self.ask(work).await?.answer else { return Err(unexpected()) };
        let user = user.map(|bytes| codec::decode(&place::user(workspace, subject), &bytes)).transpose()?;
        let consent = consent.map(|bytes| codec::decode(&place::consent(workspace, subject, client), &bytes)).transpose()?;
        Ok(Standing { user, consent })
    }

    pub(super) async fn some_users(
        &self,
        workspace: WorkspaceId,
        after: Option<&Subject>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        let statement = "SELECT subject, record FROM users WHERE workspace = $1 AND subject > $2 ORDER BY subject LIMIT $3";
        let after = text(after.map_or("", Subject::as_str));
        let rows = self.call(statement, vec![workspace_value(workspace), after, count(limit)]).await?.rows;
        records(&rows, |subject| place::within(workspace, subject.as_bytes()))
    }

    pub(super) async fn change_user(&self, workspace: WorkspaceId, expected: u64, user: &User) -> Result<Replaced, StoreError> {
        let bytes = codec::encode(&place::user(workspace, &user.subject), user)?;
        let own =
            vec![text(user.subject.as_str()), number(user.revision), Box::new(bytes.clone()) as Parameter, number(expected)];
        let returned = match subject_mark(workspace, user) {
            Some(mark) => {
                self.tell(
                    telling!(
                        "UPDATE users SET revision = $8, record = $9 WHERE workspace = $4 AND subject = $7 AND revision = $10"
                    ),
                    &mark,
                    own,
                )
                .await?
            }
            None => {
                let statement = "UPDATE users SET revision = $3, record = $4 \
                                 WHERE workspace = $1 AND subject = $2 AND revision = $5 RETURNING 1";
                self.call(statement, behind(workspace, own)).await?
            }
        };
        self.replaced(returned, USER, vec![workspace_value(workspace), text(user.subject.as_str())], &bytes).await
    }

    pub(super) async fn add_session(&self, workspace: WorkspaceId, id: SessionId, session: &Session) -> Result<bool, StoreError> {
        let bytes = codec::encode(&place::session(workspace, id), session)?;
        let statement = "INSERT INTO sessions (workspace, id, expires_at, record) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT DO NOTHING RETURNING 1";
        let values: Vec<Parameter> =
            vec![workspace_value(workspace), Box::new(id.0.to_vec()), Box::new(session.expires_at.0), Box::new(bytes.clone())];
        let returned = self.call(statement, values).await?;
        self.inserted(returned, SESSION, vec![workspace_value(workspace), Box::new(id.0.to_vec())], &bytes).await
    }

    pub(super) async fn one_session(&self, workspace: WorkspaceId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let rows = self.call(SESSION, vec![workspace_value(workspace), Box::new(id.0.to_vec())]).await?.rows;
        record(&rows, &place::session(workspace, id))
    }

    pub(super) async fn remove_session(&self, workspace: WorkspaceId, id: SessionId) -> Result<bool, StoreError> {
        let statement = "DELETE FROM sessions WHERE workspace = $1 AND id = $2 RETURNING 1";
        let key = || -> Vec<Parameter> { vec![workspace_value(workspace), Box::new(id.0.to_vec())] };
        let returned = self.call(statement, key()).await?;
        self.removed(returned, SESSION, key()).await
    }

    pub(super) async fn add_consent(&self, workspace: WorkspaceId, consent: &Consent) -> Result<bool, StoreError> {
        let bytes = codec::encode(&place::consent(workspace, &consent.subject, &consent.client), consent)?;
        let own = vec![
            text(consent.subject.as_str()),
            text(consent.client.as_str()),
            number(consent.revision),
            Box::new(bytes.clone()) as Parameter,
        ];
        let returned = match consent_mark(workspace, consent) {
            Some(mark) => {
                self.tell(
                    telling!(
                        "INSERT INTO consents (workspace, subject, client, revision, record) VALUES ($4, $7, $8, $9, $10) \
                         ON CONFLICT DO NOTHING"
                    ),
                    &mark,
                    own,
                )
                .await?
            }
            None => {
                let statement = "INSERT INTO consents (workspace, subject, client, revision, record) \
                                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1";
                self.call(statement, behind(workspace, own)).await?
            }
        };
        self.inserted(returned, CONSENT, consent_values(workspace, &consent.subject, &consent.client), &bytes).await
    }

    pub(super) async fn one_consent(
        &self,
        workspace: WorkspaceId,
        subject: &Subject,
        client: &ClientId,
    ) -> Result<Option<Consent>, StoreError> {
        let rows = self.call(CONSENT, consent_values(workspace, subject, client)).await?.rows;
        record(&rows, &place::consent(workspace, subject, client))
    }

    pub(super) async fn all_consents(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Vec<Consent>, StoreError> {
        let statement = "SELECT client, record FROM consents WHERE workspace = $1 AND subject = $2 ORDER BY client";
        let rows = self.call(statement, vec![workspace_value(workspace), text(subject.as_str())]).await?.rows;
        records(&rows, |client| [place::consents(workspace, subject).as_slice(), client.as_bytes()].concat())
    }

    pub(super) async fn change_consent(
        &self,
        workspace: WorkspaceId,
        expected: u64,
        consent: &Consent,
    ) -> Result<Replaced, StoreError> {
        let bytes = codec::encode(&place::consent(workspace, &consent.subject, &consent.client), consent)?;
        let own = vec![
            text(consent.subject.as_str()),
            text(consent.client.as_str()),
            number(consent.revision),
            Box::new(bytes.clone()) as Parameter,
            number(expected),
        ];
        let returned = match consent_mark(workspace, consent) {
            Some(mark) => {
                self.tell(
                    telling!(
                        "UPDATE consents SET revision = $9, record = $10 \
                         WHERE workspace = $4 AND subject = $7 AND client = $8 AND revision = $11"
                    ),
                    &mark,
                    own,
                )
                .await?
            }
            None => {
                let statement = "UPDATE consents SET revision = $4, record = $5 \
                                 WHERE workspace = $1 AND subject = $2 AND client = $3 AND revision = $6 RETURNING 1";
                self.call(statement, behind(workspace, own)).await?
            }
        };
        self.replaced(returned, CONSENT, consent_values(workspace, &consent.subject, &consent.client), &bytes).await
    }
}

const USER: &str = "SELECT record FROM users WHERE workspace = $1 AND subject = $2";
const SESSION: &str = "SELECT record FROM sessions WHERE workspace = $1 AND id = $2";
const CONSENT: &str = "SELECT record FROM consents WHERE workspace = $1 AND subject = $2 AND client = $3";

fn consent_values(workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Vec<Parameter> {
    vec![workspace_value(workspace), text(subject.as_str()), text(client.as_str())]
}

/// What replicas must remember of a user.
pub fn subject_mark(workspace: WorkspaceId, user: &User) -> Option<ChangeRow> {
    let marks = user.disabled || user.not_before > UnixMillis::default();
    marks.then(|| ChangeRow::subject(workspace, &user.subject, user.not_before, user.disabled))
}

/// What replicas must remember of a consent.
pub fn consent_mark(workspace: WorkspaceId, consent: &Consent) -> Option<ChangeRow> {
    let marks = consent.not_before > UnixMillis::default();
    marks.then(|| ChangeRow::consent(workspace, &consent.subject, &consent.client, consent.not_before))
}
