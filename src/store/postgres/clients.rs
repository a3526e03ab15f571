//! Clients.

use crate::store::client::Client;
use crate::store::postgres::base::Base;
use crate::store::postgres::changes::ChangeRow;
use crate::store::postgres::request::Parameter;
use crate::store::postgres::value::{count, number, record, records, telling, text, workspace_value};
use crate::store::{Replaced, StoreError, codec, place};
use crate::types::ids::{ClientId, Subject, WorkspaceId};

const CLIENT: &str = "SELECT record FROM clients WHERE workspace = $1 AND id = $2";

impl Base {
    /// Nobody has a new client in memory, so the others need not hear of it.
    pub(super) async fn add_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        let bytes = codec::encode(&place::client(workspace, &client.id), client)?;
        let statement = "INSERT INTO clients (workspace, id, owner, revision, record) VALUES ($1, $2, $3, $4, $5) \
                         ON CONFLICT DO NOTHING RETURNING 1";
        let owner = client.owner.as_ref().map(|owner| owner.as_str().to_owned());
        let values: Vec<Parameter> = vec![
            workspace_value(workspace),
            text(client.id.as_str()),
            Box::new(owner),
            number(client.revision),
            Box::new(bytes.clone()),
        ];
        let returned = self.call(statement, values).await?;
        self.inserted(returned, CLIENT, client_values(workspace, &client.id), &bytes).await
    }

    pub(super) async fn one_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let rows = self.call(CLIENT, client_values(workspace, id)).await?.rows;
        record(&rows, &place::client(workspace, id))
    }

    pub(super) async fn some_clients(
        &self,
        workspace: WorkspaceId,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        let statement = "SELECT id, record FROM clients WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3";
        let after = text(after.map_or("", ClientId::as_str));
        let rows = self.call(statement, vec![workspace_value(workspace), after, count(limit)]).await?.rows;
        records(&rows, |id| place::within(workspace, id.as_bytes()))
    }

    pub(super) async fn owned_clients(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        let statement = "SELECT id, record FROM clients WHERE workspace = $1 AND owner = $2 AND id > $3 ORDER BY id LIMIT $4";
        let after = text(after.map_or("", ClientId::as_str));
        let values = vec![workspace_value(workspace), text(owner.as_str()), after, count(limit)];
        let rows = self.call(statement, values).await?.rows;
        records(&rows, |id| place::within(workspace, id.as_bytes()))
    }

    pub(super) async fn change_client(
        &self,
        workspace: WorkspaceId,
        expected: u64,
        client: &Client,
    ) -> Result<Replaced, StoreError> {
        let bytes = codec::encode(&place::client(workspace, &client.id), client)?;
        let statement =
            telling!("UPDATE clients SET revision = $8, record = $9 WHERE workspace = $4 AND id = $7 AND revision = $10");
        let own: Vec<Parameter> =
            vec![text(client.id.as_str()), number(client.revision), Box::new(bytes.clone()), number(expected)];
        let returned = self.tell(statement, &ChangeRow::client(workspace, &client.id), own).await?;
        self.replaced(returned, CLIENT, client_values(workspace, &client.id), &bytes).await
    }

    pub(super) async fn remove_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        let statement = telling!("DELETE FROM clients WHERE workspace = $4 AND id = $7");
        let returned = self.tell(statement, &ChangeRow::client(workspace, id), vec![text(id.as_str())]).await?;
        self.removed(returned, CLIENT, client_values(workspace, id)).await
    }
}

fn client_values(workspace: WorkspaceId, id: &ClientId) -> Vec<Parameter> {
    vec![workspace_value(workspace), text(id.as_str())]
}
