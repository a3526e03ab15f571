//! Workspaces, and the keys: signing keys and data keys.

use crate::store::key::{SealedDataKeys, SigningKey};
use crate::store::postgres::base::{Base, column};
use crate::store::postgres::changes::ChangeRow;
use crate::store::postgres::request::Parameter;
use crate::store::postgres::value::{number, records, telling, text, workspace_value};
use crate::store::workspace::Workspace;
use crate::store::{Replaced, StoreError, codec, place};
use crate::types::ids::WorkspaceId;

const WORKSPACE: &str = "SELECT record FROM workspaces WHERE id = $1";
const SIGNING_KEY: &str = "SELECT record FROM signing_keys WHERE workspace = $1 AND kid = $2";
const DATA_KEYS: &str = "SELECT record FROM data_keys WHERE id = $1";

impl Base {
    pub(super) async fn add_workspace(&self, workspace: &Workspace, key: &SigningKey) -> Result<bool, StoreError> {
        let bytes = codec::encode(&workspace.id.0, workspace)?;
        let key_bytes = codec::encode(&place::within(workspace.id, key.kid.as_bytes()), key)?;
        // The last of three insertions stands in the macro: all happen or none does.
        let statement = "\
            WITH made AS (
                INSERT INTO workspaces (id, name, revision, record) VALUES ($4, $7, $8, $9)
                ON CONFLICT DO NOTHING RETURNING id),
            keyed AS (
                INSERT INTO signing_keys (workspace, kid, serial, record) SELECT id, $10, $11, $12 FROM made RETURNING 1),
            moved AS (UPDATE feed SET version = version + 1 WHERE EXISTS (SELECT 1 FROM made) RETURNING version)
            INSERT INTO changes (slot, version, at, kind, workspace, key, value)
            SELECT $1::smallint, version, $2::bigint, $3::smallint, $4::bytea, $5::bytea, $6::bigint FROM moved
            RETURNING version";
        let own: Vec<Parameter> = vec![
            text(workspace.name.as_str()),
            number(workspace.revision),
            Box::new(bytes.clone()),
            text(&key.kid),
            number(key.serial),
            Box::new(key_bytes),
        ];
        let returned = self.tell(statement, &ChangeRow::workspace(workspace.id), own).await?;
        self.inserted(returned, WORKSPACE, vec![workspace_value(workspace.id)], &bytes).await
    }

    pub(super) async fn all_workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let rows = self.call("SELECT id, record FROM workspaces ORDER BY name", Vec::new()).await?.rows;
        rows.iter().map(|row| codec::decode(column(row, 0)?, column(row, 1)?)).collect()
    }

    pub(super) async fn change_workspace(&self, expected: u64, workspace: &Workspace) -> Result<Replaced, StoreError> {
        let bytes = codec::encode(&workspace.id.0, workspace)?;
        let statement = telling!("UPDATE workspaces SET revision = $7, record = $8 WHERE id = $4 AND revision = $9");
        let own: Vec<Parameter> = vec![number(workspace.revision), Box::new(bytes.clone()), number(expected)];
        let returned = self.tell(statement, &ChangeRow::workspace(workspace.id), own).await?;
        self.replaced(returned, WORKSPACE, vec![workspace_value(workspace.id)], &bytes).await
    }

    /// What is in it is buried in the same commit, for sweeping to remove.
    pub(super) async fn remove_workspace(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let statement = "\
            WITH gone AS (DELETE FROM workspaces WHERE id = $4 RETURNING id),
            buried AS (
                INSERT INTO deleted_workspaces (id, deleted_at) SELECT id, $2 FROM gone
                ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at, looked_at = 0),
            moved AS (UPDATE feed SET version = version + 1 WHERE EXISTS (SELECT 1 FROM gone) RETURNING version)
            INSERT INTO changes (slot, version, at, kind, workspace, key, value)
            SELECT $1::smallint, version, $2::bigint, $3::smallint, $4::bytea, $5::bytea, $6::bigint FROM moved
            RETURNING version";
        let returned = self.tell(statement, &ChangeRow::workspace(workspace), Vec::new()).await?;
        self.removed(returned, WORKSPACE, vec![workspace_value(workspace)]).await
    }

    pub(super) async fn add_signing_key(&self, workspace: WorkspaceId, key: &SigningKey) -> Result<bool, StoreError> {
        let bytes = codec::encode(&place::within(workspace, key.kid.as_bytes()), key)?;
        let statement =
            telling!("INSERT INTO signing_keys (workspace, kid, serial, record) VALUES ($4, $7, $8, $9) ON CONFLICT DO NOTHING");
        let own: Vec<Parameter> = vec![text(&key.kid), number(key.serial), Box::new(bytes.clone())];
        let returned = self.tell(statement, &ChangeRow::signing_keys(workspace), own).await?;
        self.inserted(returned, SIGNING_KEY, vec![workspace_value(workspace), text(&key.kid)], &bytes).await
    }

    pub(super) async fn all_signing_keys(&self, workspace: WorkspaceId) -> Result<Vec<SigningKey>, StoreError> {
        let statement = "SELECT kid, record FROM signing_keys WHERE workspace = $1";
        let rows = self.call(statement, vec![workspace_value(workspace)]).await?.rows;
        records(&rows, |kid| place::within(workspace, kid.as_bytes()))
    }

    pub(super) async fn remove_signing_key(&self, workspace: WorkspaceId, kid: &str) -> Result<bool, StoreError> {
        let statement = telling!("DELETE FROM signing_keys WHERE workspace = $4 AND kid = $7");
        let returned = self.tell(statement, &ChangeRow::signing_keys(workspace), vec![text(kid)]).await?;
        self.removed(returned, SIGNING_KEY, vec![workspace_value(workspace), text(kid)]).await
    }

    pub(super) async fn add_data_keys(&self, keys: &SealedDataKeys) -> Result<bool, StoreError> {
        let bytes = codec::encode(&[keys.id], keys)?;
        let id = i16::from(keys.id);
        let statement = "INSERT INTO data_keys (id, record) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1";
        let returned = self.call(statement, vec![Box::new(id), Box::new(bytes.clone())]).await?;
        self.inserted(returned, DATA_KEYS, vec![Box::new(id)], &bytes).await
    }

    pub(super) async fn all_data_keys(&self) -> Result<Vec<SealedDataKeys>, StoreError> {
        let rows = self.call("SELECT id, record FROM data_keys ORDER BY id", Vec::new()).await?.rows;
        let one = |row| {
            let id = u8::try_from(column::<i16>(row, 0)?).unwrap_or_default();
            codec::decode(&[id], column(row, 1)?)
        };
        rows.iter().map(one).collect()
    }
}
