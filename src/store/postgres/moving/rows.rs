//! Into the tables: many records of a kind with one statement, and the marks that replicas must remember of them.

use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::store::StoreError;
use crate::store::codec::{self, Record};
use crate::store::grant::State;
use crate::store::moving::{Item, Kind, differs};
use crate::store::postgres::base::column;
use crate::store::postgres::changes::{ChangeRow, KEPT_SECONDS, slot_of};
use crate::store::postgres::grants::sweep_at;
use crate::store::postgres::moving::failed;
use crate::store::postgres::moving::pages::single_use_number;
use crate::store::postgres::people::{consent_mark, subject_mark};
use crate::types::entropy::Entropy;
use crate::types::ids::WorkspaceId;
use crate::types::time::UnixSeconds;

/// A table: its columns and their types, the first of which are its key, and what else a record consists of.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, &'static str)],
    key: usize,
    same: &'static str,
}

const SAME_RECORD: &str = "t.record = w.record";

fn table(kind: Kind) -> Table {
    let (name, columns, key, same): (_, &[(&str, &str)], _, _) = match kind {
        Kind::DataKeys => ("data_keys", &[("id", "smallint"), ("record", "bytea")], 1, SAME_RECORD),
        Kind::Workspaces => {
            ("workspaces", &[("id", "bytea"), ("name", "text"), ("revision", "bigint"), ("record", "bytea")], 1, SAME_RECORD)
        }
        Kind::SigningKeys => {
            let columns = &[("workspace", "bytea"), ("kid", "text"), ("serial", "bigint"), ("record", "bytea")];
            ("signing_keys", columns, 2, SAME_RECORD)
        }
        Kind::Scopes => ("scopes", &[("workspace", "bytea"), ("name", "text"), ("record", "bytea")], 2, SAME_RECORD),
        Kind::Clients => {
            let columns =
                &[("workspace", "bytea"), ("id", "text"), ("owner", "text"), ("revision", "bigint"), ("record", "bytea")];
            ("clients", columns, 2, SAME_RECORD)
        }
        Kind::Users => {
            let columns = &[("workspace", "bytea"), ("subject", "text"), ("revision", "bigint"), ("record", "bytea")];
            ("users", columns, 2, SAME_RECORD)
        }
        Kind::Consents => {
            let columns =
                &[("workspace", "bytea"), ("subject", "text"), ("client", "text"), ("revision", "bigint"), ("record", "bytea")];
            ("consents", columns, 3, SAME_RECORD)
        }
        Kind::Sessions => {
            let columns = &[("workspace", "bytea"), ("id", "bytea"), ("expires_at", "bigint"), ("record", "bytea")];
            ("sessions", columns, 2, SAME_RECORD)
        }
        Kind::PolicyUses => {
            let columns = &[
                ("workspace", "bytea"),
                ("client", "text"),
                ("policy", "text"),
                ("count", "bigint"),
                ("last_used_at", "bigint"),
            ];
            ("policy_uses", columns, 3, "t.count = w.count AND t.last_used_at = w.last_used_at")
        }
        Kind::Grants => {
            let columns =
                &[("workspace", "bytea"), ("id", "bytea"), ("version", "bytea"), ("sweep_at", "bigint"), ("record", "bytea")];
            ("grants", columns, 2, SAME_RECORD)
        }
        Kind::SingleUses => {
            let columns =
                &[("id", "bytea"), ("until", "bigint"), ("kind", "smallint"), ("workspace", "bytea"), ("slot", "smallint")];
            ("single_uses", columns, 5, "true")
        }
        // They stand in the feed alone.
        Kind::RevokedTokens => ("", &[], 0, "true"),
    };
    Table { name, columns, key, same }
}

/// The values of one column.
enum Column {
    Bytes(Vec<Vec<u8>>),
    Numbers(Vec<i64>),
    SmallNumbers(Vec<i16>),
    Texts(Vec<Option<String>>),
}

impl Column {
    fn of(kind: &str) -> Self {
        match kind {
            "bytea" => Self::Bytes(Vec::new()),
            "bigint" => Self::Numbers(Vec::new()),
            "smallint" => Self::SmallNumbers(Vec::new()),
            _ => Self::Texts(Vec::new()),
        }
    }

    fn value(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Bytes(values) => values,
            Self::Numbers(values) => values,
            Self::SmallNumbers(values) => values,
            Self::Texts(values) => values,
        }
    }
}

/// One value.
enum Value {
    Bytes(Vec<u8>),
    Number(i64),
    SmallNumber(i16),
    Text(Option<String>),
}

/// Keeps items of one kind.
pub async fn keep(
    transaction: &Transaction<'_>,
    items: &[Item],
    now: UnixSeconds,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let Some(kind) = items.first().map(Item::kind) else { return Ok(()) };
    if kind != Kind::RevokedTokens {
        insert(transaction, kind, items, entropy).await?;
    }
    bury(transaction, kind, items, now).await?;
    let marks: Vec<ChangeRow> = items.iter().filter_map(|item| mark(item, now)).collect();
    if marks.is_empty() { Ok(()) } else { tell(transaction, &marks, now).await }
}

async fn insert(transaction: &Transaction<'_>, kind: Kind, items: &[Item], entropy: &dyn Entropy) -> Result<(), StoreError> {
    let Table { name, columns, key, same } = table(kind);
    let mut values: Vec<Column> = columns.iter().map(|(_, kind)| Column::of(kind)).collect();
    for item in items {
        for (column, value) in values.iter_mut().zip(row(item, entropy)?) {
            match (column, value) {
                (Column::Bytes(values), Value::Bytes(value)) => values.push(value),
                (Column::Numbers(values), Value::Number(value)) => values.push(value),
                (Column::SmallNumbers(values), Value::SmallNumber(value)) => values.push(value),
                (Column::Texts(values), Value::Text(value)) => values.push(value),
                // The columns above and the rows below say the same types; else the statement has too few.
                (Column::Bytes(_) | Column::Numbers(_) | Column::SmallNumbers(_) | Column::Texts(_), _) => {}
            }
        }
    }
    let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let arrays = (1..).zip(columns).map(|(at, (_, kind))| format!("${at}::{kind}[]")).collect::<Vec<_>>().join(", ");
    let keys = columns.iter().take(key).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let values: Vec<_> = values.iter().map(Column::value).collect();
    let statement =
        format!("INSERT INTO {name} ({names}) SELECT {names} FROM unnest({arrays}) AS w ({names}) ON CONFLICT DO NOTHING");
    let inserted = transaction.execute(&statement, &values).await.map_err(|error| failed(&error))?;
    let wanted = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if inserted == wanted {
        return Ok(());
    }
    let statement = format!("SELECT count(*) FROM unnest({arrays}) AS w ({names}) JOIN {name} t USING ({keys}) WHERE {same}");
    let found = transaction.query_one(&statement, &values).await.map_err(|error| failed(&error))?;
    let found = u64::try_from(column::<i64>(&found, 0)?).unwrap_or_default();
    if found == wanted { Ok(()) } else { Err(differs(kind)) }
}

/// The values of an item, in the order of its table's columns.
fn row(item: &Item, entropy: &dyn Entropy) -> Result<Vec<Value>, StoreError> {
    let key = item.key();
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let text = |text: &str| Value::Text(Some(text.to_owned()));
    let number = |number: u64| Value::Number(i64::try_from(number).unwrap_or(i64::MAX));
    Ok(match item {
        Item::DataKeys(keys) => vec![Value::SmallNumber(i16::from(keys.id)), record(&key, keys)?],
        Item::Workspace(workspace) => {
            let name = text(workspace.name.as_str());
            vec![bytes(&workspace.id.0), name, number(workspace.revision), record(&key, workspace)?]
        }
        Item::SigningKey(workspace, signing_key) => {
            vec![bytes(&workspace.0), text(&signing_key.kid), number(signing_key.serial), record(&key, signing_key)?]
        }
        Item::Scope(workspace, scope) => vec![bytes(&workspace.0), text(&scope.name), record(&key, scope)?],
        Item::Client(workspace, client) => {
            let owner = Value::Text(client.owner.as_ref().map(|owner| owner.as_str().to_owned()));
            vec![bytes(&workspace.0), text(client.id.as_str()), owner, number(client.revision), record(&key, client)?]
        }
        Item::User(workspace, user) => {
            vec![bytes(&workspace.0), text(user.subject.as_str()), number(user.revision), record(&key, user)?]
        }
        Item::Consent(workspace, consent) => {
            let (subject, client) = (text(consent.subject.as_str()), text(consent.client.as_str()));
            vec![bytes(&workspace.0), subject, client, number(consent.revision), record(&key, consent)?]
        }
        Item::Session(workspace, id, session) => {
            vec![bytes(&workspace.0), bytes(&id.0), Value::Number(session.expires_at.0), record(&key, session)?]
        }
        Item::PolicyUse(workspace, client, used) => {
            let last = Value::Number(used.last_used_at.0);
            vec![bytes(&workspace.0), text(client.as_str()), text(used.policy.as_str()), number(used.count), last]
        }
        Item::Grant(workspace, id, grant) => {
            let mut version = vec![0; 16];
            entropy.fill_id(&mut version).map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let sweep_at = Value::Number(sweep_at(grant));
            vec![bytes(&workspace.0), bytes(&id.0), Value::Bytes(version), sweep_at, record(&key, grant)?]
        }
        Item::SingleUse(workspace, once) => {
            let (kind, slot) = (Value::SmallNumber(single_use_number(once.kind)), Value::SmallNumber(slot_of(once.until)));
            vec![bytes(&once.id), Value::Number(once.until.0), kind, bytes(&workspace.0), slot]
        }
        Item::RevokedToken(..) => Vec::new(),
    })
}

fn record(key: &[u8], record: &impl Record) -> Result<Value, StoreError> {
    codec::encode(key, record).map(Value::Bytes)
}

/// What a deleted workspace has left goes when it is swept, which begins with this list.
async fn bury(transaction: &Transaction<'_>, kind: Kind, items: &[Item], now: UnixSeconds) -> Result<(), StoreError> {
    if matches!(kind, Kind::DataKeys | Kind::Workspaces) {
        return Ok(());
    }
    let mut workspaces: Vec<Vec<u8>> = items.iter().filter_map(workspace_of).map(|id| id.0.to_vec()).collect();
    workspaces.dedup();
    let statement = "INSERT INTO deleted_workspaces (id, deleted_at) SELECT DISTINCT w.id, $2::bigint \
        FROM unnest($1::bytea[]) AS w (id) WHERE NOT EXISTS (SELECT 1 FROM workspaces t WHERE t.id = w.id) ON CONFLICT DO NOTHING";
    transaction.execute(statement, &[&workspaces, &now.0]).await.map(drop).map_err(|error| failed(&error))
}

fn workspace_of(item: &Item) -> Option<WorkspaceId> {
    match item {
        Item::DataKeys(_) => None,
        Item::Workspace(workspace) => Some(workspace.id),
        Item::SigningKey(id, _) | Item::Scope(id, _) | Item::Client(id, _) | Item::User(id, _) | Item::Consent(id, _) => {
            Some(*id)
        }
        Item::Session(id, ..) | Item::PolicyUse(id, ..) | Item::Grant(id, ..) | Item::RevokedToken(id, ..) => Some(*id),
        Item::SingleUse(id, _) => Some(*id),
    }
}

/// What replicas must remember of an item, as long as an access token that it is about may live.
fn mark(item: &Item, now: UnixSeconds) -> Option<ChangeRow> {
    let says_something = |since: UnixSeconds| now.since(since) < KEPT_SECONDS;
    match item {
        Item::RevokedToken(workspace, jti, until) => Some(ChangeRow::token(*workspace, jti, *until)),
        Item::Grant(workspace, id, grant) => match &grant.state {
            State::Revoked(revoked) if says_something(revoked.revoked_at) => Some(ChangeRow::grant(*workspace, *id)),
            State::Requested(_) | State::Decided(_) | State::CodeIssued(_) | State::Active(_) | State::Revoked(_) => None,
        },
        Item::User(workspace, user) => {
            subject_mark(*workspace, user).filter(|_| user.disabled || says_something(user.not_before.seconds()))
        }
        Item::Consent(workspace, consent) => {
            consent_mark(*workspace, consent).filter(|_| says_something(consent.not_before.seconds()))
        }
        Item::DataKeys(_) | Item::Workspace(_) | Item::SigningKey(..) | Item::Scope(..) => None,
        Item::Client(..) | Item::Session(..) | Item::PolicyUse(..) | Item::SingleUse(..) => None,
    }
}

/// Appends marks to the feed, in its order and without a gap.
async fn tell(transaction: &Transaction<'_>, marks: &[ChangeRow], now: UnixSeconds) -> Result<(), StoreError> {
    let statement = "\
        WITH new AS (
            SELECT kind, workspace, key, value, row_number() OVER () AS n
            FROM unnest($3::smallint[], $4::bytea[], $5::bytea[], $6::bigint[]) AS w (kind, workspace, key, value)),
        moved AS (UPDATE feed SET version = version + (SELECT count(*) FROM new) RETURNING version)
        INSERT INTO changes (slot, version, at, kind, workspace, key, value)
        SELECT $1::smallint, moved.version + 1 - new.n, $2::bigint, new.kind, new.workspace, new.key, new.value
        FROM new CROSS JOIN moved";
    let kinds: Vec<i16> = marks.iter().map(|mark| mark.kind.number()).collect();
    let workspaces: Vec<&[u8]> = marks.iter().map(|mark| mark.workspace.0.as_slice()).collect();
    let keys: Vec<&[u8]> = marks.iter().map(|mark| mark.key.as_slice()).collect();
    let values: Vec<i64> = marks.iter().map(|mark| mark.value).collect();
    let values: [&(dyn ToSql + Sync); 6] = [&slot_of(now), &now.0, &kinds, &workspaces, &keys, &values];
    transaction.execute(statement, &values).await.map(drop).map_err(|error| failed(&error))
}
