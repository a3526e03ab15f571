//! Changes whose caller goes away: what the store took, the server must show (threat B4).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use jeton::grpc::admin::client::ClientAdminApi;
use jeton::grpc::admin::workspace::WorkspaceApi;
use jeton::pb::admin::v1::client_admin_service_server::ClientAdminService;
use jeton::pb::admin::v1::workspace_service_server::WorkspaceService;
use jeton::pb::admin::v1::{SetClientDisabledRequest, UpdateWorkspaceRequest, WorkspaceSettings};

use crate::support::clients::service;
use crate::support::server::Server;
use crate::support::surface::Api;

/// Begins a call and goes away before its answer, as a connection that breaks does.
fn abandon(call: impl Future) {
    assert!(pin!(call).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn disable(server: &Server, workspace: &str, client_id: &str) -> tonic::Request<SetClientDisabledRequest> {
    let request = SetClientDisabledRequest { workspace: workspace.to_owned(), client_id: client_id.to_owned(), disabled: true };
    server.as_admin(request)
}

#[tokio::test]
async fn a_client_that_an_abandoned_call_disabled_is_disabled() {
    for api in Api::both().await {
        let [client, other] = [api.server.register(service()).await, api.server.register(service()).await];
        api.client_credentials(&client, "").await.unwrap();
        let admin = ClientAdminApi::new(Arc::clone(api.server.engine()));
        abandon(admin.set_client_disabled(disable(&api.server, "", &client.client_id)));
        // Changes take turns: when this one is answered, the one before is over.
        admin.set_client_disabled(disable(&api.server, "", &other.client_id)).await.unwrap();
        assert!(api.client_credentials(&client, "").await.unwrap_err().to_string().starts_with("invalid_client"));
    }
}

#[tokio::test]
async fn a_workspace_that_an_abandoned_call_suspended_is_suspended() {
    for api in Api::both().await {
        api.server.create_workspace("acme").await;
        let client = api.server.register_in("acme", service()).await;
        api.client_credentials(&client, "").await.unwrap();
        let admin = WorkspaceApi::new(Arc::clone(api.server.engine()));
        let update = |name: &str, suspended| {
            let settings = Some(WorkspaceSettings { suspended, ..WorkspaceSettings::default() });
            api.server.as_admin(UpdateWorkspaceRequest { name: name.to_owned(), settings, revision: 0 })
        };
        abandon(admin.update_workspace(update("acme", true)));
        admin.update_workspace(update("default", false)).await.unwrap();
        assert!(api.client_credentials(&client, "").await.unwrap_err().to_string().starts_with("invalid_client"));
        // And it can be changed again: memory and store agree on its revision.
        admin.update_workspace(update("acme", false)).await.unwrap();
        api.client_credentials(&client, "").await.unwrap();
    }
}
