//! Scopes in words, and how often policies were used.

use crate::store::policy_use::PolicyUse;
use crate::store::postgres::base::{Base, column};
use crate::store::postgres::request::Parameter;
use crate::store::postgres::value::{number, records, text, workspace_value};
use crate::store::scope::ScopeEntry;
use crate::store::{StoreError, codec, place};
use crate::types::ids::{ClientId, WorkspaceId};
use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

const SCOPE: &str = "SELECT record FROM scopes WHERE workspace = $1 AND name = $2";

impl Base {
    pub(super) async fn put_one_scope(&self, workspace: WorkspaceId, scope: &ScopeEntry) -> Result<(), StoreError> {
        let bytes = codec::encode(&place::within(workspace, scope.name.as_bytes()), scope)?;
        let statement = "INSERT INTO scopes (workspace, name, record) VALUES ($1, $2, $3) \
                         ON CONFLICT (workspace, name) DO UPDATE SET record = excluded.record";
        self.call(statement, vec![workspace_value(workspace), text(&scope.name), Box::new(bytes)]).await.map(drop)
    }

    pub(super) async fn all_scopes(&self, workspace: WorkspaceId) -> Result<Vec<ScopeEntry>, StoreError> {
        let statement = "SELECT name, record FROM scopes WHERE workspace = $1 ORDER BY name";
        let rows = self.call(statement, vec![workspace_value(workspace)]).await?.rows;
        records(&rows, |name| place::within(workspace, name.as_bytes()))
    }

    pub(super) async fn remove_scope(&self, workspace: WorkspaceId, name: &str) -> Result<bool, StoreError> {
        let statement = "DELETE FROM scopes WHERE workspace = $1 AND name = $2 RETURNING 1";
        let key = || vec![workspace_value(workspace), text(name)];
        let returned = self.call(statement, key()).await?;
        self.removed(returned, SCOPE, key()).await
    }

    pub(super) async fn count_policy_use(
        &self,
        workspace: WorkspaceId,
        client: &ClientId,
        used: &PolicyUse,
    ) -> Result<(), StoreError> {
        let statement = "INSERT INTO policy_uses AS kept (workspace, client, policy, count, last_used_at) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace, client, policy) DO UPDATE \
                         SET count = kept.count + excluded.count, \
                         last_used_at = greatest(kept.last_used_at, excluded.last_used_at)";
        let values: Vec<Parameter> = vec![
            workspace_value(workspace),
            text(client.as_str()),
            text(used.policy.as_str()),
            number(used.count),
            Box::new(used.last_used_at.0),
        ];
        self.call(statement, values).await.map(drop)
    }

    pub(super) async fn uses_of(&self, workspace: WorkspaceId, client: &ClientId) -> Result<Vec<PolicyUse>, StoreError> {
        let statement =
            "SELECT policy, count, last_used_at FROM policy_uses WHERE workspace = $1 AND client = $2 ORDER BY policy";
        let rows = self.call(statement, vec![workspace_value(workspace), text(client.as_str())]).await?.rows;
        let mut uses = Vec::with_capacity(rows.len());
        for row in &rows {
            // A newer jeton may know more policies.
            let Some(policy) = Policy::from_name(column(row, 0)?) else { continue };
            let count = u64::try_from(column::<i64>(row, 1)?).unwrap_or_default();
            uses.push(PolicyUse { policy, count, last_used_at: UnixSeconds(column(row, 2)?) });
        }
        Ok(uses)
    }
}
