//! Out of the tables: how many records there are, and which.

use std::fmt::Write;

use tokio_postgres::{Client, GenericClient, Row};

use crate::store::codec::{self, Record};
use crate::store::moving::{Counts, Item, Kind, Moved};
use crate::store::policy_use::PolicyUse;
use crate::store::postgres::base::column;
use crate::store::postgres::moving::failed;
use crate::store::postgres::request::Parameter;
use crate::store::postgres::value::{count, text};
use crate::store::token::{SingleUse, SingleUseKind};
use crate::store::{StoreError, client, consent, grant, key, scope, session, user, workspace};
use crate::types::ids::{ClientId, WorkspaceId};
use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

/// In the order of [`Kind::ALL`].  Two marks of one token say the same.
const COUNTS: &str = "\
SELECT (SELECT count(*) FROM data_keys), (SELECT count(*) FROM workspaces), (SELECT count(*) FROM signing_keys),
    (SELECT count(*) FROM scopes), (SELECT count(*) FROM clients), (SELECT count(*) FROM users),
    (SELECT count(*) FROM consents), (SELECT count(*) FROM sessions), (SELECT count(*) FROM policy_uses),
    (SELECT count(*) FROM grants),
    (SELECT count(*) FROM (SELECT DISTINCT workspace, key FROM changes WHERE kind = 10) AS tokens),
    (SELECT count(*) FROM single_uses)";

// The keys that records have in every store, made of the columns.
const DATA_KEYS: &str = "SELECT set_byte('\\x00'::bytea, 0, id), record FROM data_keys WHERE id > $1 ORDER BY id LIMIT $2";
const WORKSPACES: &str = "SELECT id, record FROM workspaces WHERE id > $1 ORDER BY id LIMIT $2";
const SIGNING_KEYS: &str = "SELECT workspace || convert_to(kid, 'UTF8'), record FROM signing_keys \
    WHERE (workspace, kid) > ($1, $2) ORDER BY workspace, kid LIMIT $3";
const SCOPES: &str = "SELECT workspace || convert_to(name, 'UTF8'), record FROM scopes \
    WHERE (workspace, name) > ($1, $2) ORDER BY workspace, name LIMIT $3";
const CLIENTS: &str = "SELECT workspace || convert_to(id, 'UTF8'), record FROM clients \
    WHERE (workspace, id) > ($1, $2) ORDER BY workspace, id LIMIT $3";
const USERS: &str = "SELECT workspace || convert_to(subject, 'UTF8'), record FROM users \
    WHERE (workspace, subject) > ($1, $2) ORDER BY workspace, subject LIMIT $3";
const CONSENTS: &str = "SELECT workspace || convert_to(subject, 'UTF8') || '\\x00'::bytea || convert_to(client, 'UTF8'), record \
    FROM consents WHERE (workspace, subject, client) > ($1, $2, $3) ORDER BY workspace, subject, client LIMIT $4";
const SESSIONS: &str =
    "SELECT workspace || id, record FROM sessions WHERE (workspace, id) > ($1, $2) ORDER BY workspace, id LIMIT $3";
const GRANTS: &str =
    "SELECT workspace || id, record FROM grants WHERE (workspace, id) > ($1, $2) ORDER BY workspace, id LIMIT $3";
const POLICY_USES: &str = "SELECT workspace, client, policy, count, last_used_at FROM policy_uses \
    WHERE (workspace, client, policy) > ($1, $2, $3) ORDER BY workspace, client, policy LIMIT $4";
const SINGLE_USES: &str = "SELECT workspace, kind, id, until FROM single_uses \
    WHERE (id, until, kind, workspace) > ($1, $2, $3, $4) ORDER BY id, until, kind, workspace LIMIT $5";

/// How many records there are of each kind.
pub async fn counts(client: &impl GenericClient) -> Result<Counts, StoreError> {
    let row = client.query_one(COUNTS, &[]).await.map_err(|error| failed(&error))?;
    let mut counts = Counts::default();
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        counts.add(kind, u64::try_from(column::<i64>(&row, at)?).unwrap_or_default());
    }
    Ok(counts)
}

/// Up to `limit` records of a kind, in the order of the table's key.  Revoked tokens have an own way, [`Tokens`].
pub async fn page(client: &Client, kind: Kind, after: Option<&Item>, limit: usize) -> Result<Vec<Item>, StoreError> {
    let mut values = position(kind, after);
    values.push(count(limit));
    let rows = |statement| query(client, statement, &values);
    match kind {
        Kind::DataKeys => records::<key::SealedDataKeys>(&rows(DATA_KEYS).await?),
        Kind::Workspaces => records::<workspace::Workspace>(&rows(WORKSPACES).await?),
        Kind::SigningKeys => records::<key::SigningKey>(&rows(SIGNING_KEYS).await?),
        Kind::Scopes => records::<scope::ScopeEntry>(&rows(SCOPES).await?),
        Kind::Clients => records::<client::Client>(&rows(CLIENTS).await?),
        Kind::Users => records::<user::User>(&rows(USERS).await?),
        Kind::Consents => records::<consent::Consent>(&rows(CONSENTS).await?),
        Kind::Sessions => records::<session::Session>(&rows(SESSIONS).await?),
        Kind::Grants => records::<grant::Grant>(&rows(GRANTS).await?),
        Kind::PolicyUses => rows(POLICY_USES).await?.iter().map(policy_use).collect(),
        Kind::SingleUses => rows(SINGLE_USES).await?.iter().map(single_use).collect(),
        Kind::RevokedTokens => Ok(Vec::new()),
    }
}

/// The table's key of an item; before the first one, a key before all.
fn position(kind: Kind, after: Option<&Item>) -> Vec<Parameter> {
    let bytes = |bytes: &[u8]| -> Parameter { Box::new(bytes.to_vec()) };
    match after {
        Some(Item::DataKeys(keys)) => vec![Box::new(i16::from(keys.id))],
        Some(Item::Workspace(workspace)) => vec![bytes(&workspace.id.0)],
        Some(Item::SigningKey(workspace, key)) => vec![bytes(&workspace.0), text(&key.kid)],
        Some(Item::Scope(workspace, scope)) => vec![bytes(&workspace.0), text(&scope.name)],
        Some(Item::Client(workspace, client)) => vec![bytes(&workspace.0), text(client.id.as_str())],
        Some(Item::User(workspace, user)) => vec![bytes(&workspace.0), text(user.subject.as_str())],
        Some(Item::Consent(workspace, consent)) => {
            vec![bytes(&workspace.0), text(consent.subject.as_str()), text(consent.client.as_str())]
        }
        Some(Item::Session(workspace, id, _)) => vec![bytes(&workspace.0), bytes(&id.0)],
        Some(Item::PolicyUse(workspace, client, used)) => {
            vec![bytes(&workspace.0), text(client.as_str()), text(used.policy.as_str())]
        }
        Some(Item::Grant(workspace, id, _)) => vec![bytes(&workspace.0), bytes(&id.0)],
        Some(Item::SingleUse(workspace, once)) => {
            vec![bytes(&once.id), Box::new(once.until.0), Box::new(single_use_number(once.kind)), bytes(&workspace.0)]
        }
        Some(Item::RevokedToken(..)) | None => match kind {
            Kind::DataKeys => vec![Box::new(-1_i16)],
            Kind::Workspaces => vec![bytes(&[])],
            Kind::SigningKeys | Kind::Scopes | Kind::Clients | Kind::Users => vec![bytes(&[]), text("")],
            Kind::Consents | Kind::PolicyUses => vec![bytes(&[]), text(""), text("")],
            Kind::Sessions | Kind::Grants => vec![bytes(&[]), bytes(&[])],
            Kind::SingleUses => vec![bytes(&[]), Box::new(0_i64), Box::new(0_i16), bytes(&[])],
            Kind::RevokedTokens => Vec::new(),
        },
    }
}

async fn query(client: &Client, statement: &str, values: &[Parameter]) -> Result<Vec<Row>, StoreError> {
    let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    client.query(statement, &values).await.map_err(|error| failed(&error))
}

/// Rows of a key and a record.
fn records<R: Record + Moved>(rows: &[Row]) -> Result<Vec<Item>, StoreError> {
    let item = |row: &Row| {
        let key: &[u8] = column(row, 0)?;
        codec::decode::<R>(key, column(row, 1)?)?.moved(key).ok_or_else(|| codec::damaged(R::TREE, key))
    };
    rows.iter().map(item).collect()
}

fn policy_use(row: &Row) -> Result<Item, StoreError> {
    let damaged = || codec::damaged("policy_uses", column(row, 0).unwrap_or_default());
    let client = ClientId::parse(column(row, 1)?).map_err(|_| damaged())?;
    let policy = Policy::from_name(column(row, 2)?).ok_or_else(damaged)?;
    let count = u64::try_from(column::<i64>(row, 3)?).map_err(|_| damaged())?;
    let used = PolicyUse { policy, count, last_used_at: UnixSeconds(column(row, 4)?) };
    Ok(Item::PolicyUse(workspace_of(row, 0)?, client, used))
}

fn single_use(row: &Row) -> Result<Item, StoreError> {
    let id: &[u8] = column(row, 2)?;
    let damaged = || codec::damaged("single_uses", id);
    let number: i16 = column(row, 1)?;
    let kinds = [SingleUseKind::Assertion, SingleUseKind::DpopProof];
    let kind = kinds.into_iter().find(|kind| single_use_number(*kind) == number).ok_or_else(damaged)?;
    let once = SingleUse { kind, id: id.try_into().map_err(|_| damaged())?, until: UnixSeconds(column(row, 3)?) };
    Ok(Item::SingleUse(workspace_of(row, 0)?, once))
}

/// As the table has it.
pub fn single_use_number(kind: SingleUseKind) -> i16 {
    match kind {
        SingleUseKind::Assertion => 1,
        SingleUseKind::DpopProof => 2,
    }
}

fn workspace_of(row: &Row, at: usize) -> Result<WorkspaceId, StoreError> {
    let id: &[u8] = column(row, at)?;
    id.try_into().map(WorkspaceId).map_err(|_| codec::damaged("workspaces", id))
}

/// Reads revoked tokens.  They stand in the feed, in the order of their revocation and perhaps twice, so the database
/// sorts them once, and a cursor goes through them.
#[derive(Default)]
pub struct Tokens {
    /// The last one that the cursor has given, when there is a cursor; the key of one before all is empty.
    at: Option<Vec<u8>>,
}

impl Tokens {
    /// Up to `limit` of them.
    pub async fn page(&mut self, client: &Client, after: Option<&Item>, limit: usize) -> Result<Vec<Item>, StoreError> {
        let after = after.map(Item::key).unwrap_or_default();
        if self.at.as_ref() != Some(&after) || after.is_empty() {
            self.declare(client, &after).await?;
        }
        let rows = query(client, &format!("FETCH FORWARD {limit} FROM moved_tokens"), &[]).await?;
        let items: Vec<Item> = rows.iter().map(revoked_token).collect::<Result<_, _>>()?;
        self.at = Some(items.last().map_or(after, Item::key));
        Ok(items)
    }

    async fn declare(&mut self, client: &Client, after: &[u8]) -> Result<(), StoreError> {
        let close = if self.at.take().is_some() { "CLOSE moved_tokens;" } else { "" };
        let (workspace, key) = after.split_at_checked(16).unwrap_or_default();
        let (workspace, key) = (hex(workspace), hex(key));
        let declare = format!(
            "{close} DECLARE moved_tokens NO SCROLL CURSOR WITH HOLD FOR \
             SELECT workspace, key, max(value) FROM changes \
             WHERE kind = 10 AND (workspace, key) > ('\\x{workspace}'::bytea, '\\x{key}'::bytea) \
             GROUP BY workspace, key ORDER BY workspace, key"
        );
        client.batch_execute(&declare).await.map_err(|error| failed(&error))
    }
}

fn revoked_token(row: &Row) -> Result<Item, StoreError> {
    let key: &[u8] = column(row, 1)?;
    let jti = String::from_utf8(key.to_vec()).map_err(|_| codec::damaged("revoked_tokens", key))?;
    Ok(Item::RevokedToken(workspace_of(row, 0)?, jti, UnixSeconds(column(row, 2)?)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
