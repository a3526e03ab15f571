//! `jeton.admin.v1.ClientAdminService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::grpc::caller::caller;
use crate::grpc::client::client_message;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::workspace;
use crate::pb::admin::v1;
use crate::pb::admin::v1::client_admin_service_server::ClientAdminService;
use crate::pb::v1::ClientPermission;
use crate::types::client::Permission;
use crate::types::error::Refusal;

/// The service.
#[derive(Clone)]
pub struct ClientAdminApi {
    engine: Arc<Engine>,
    permissions: Observed,
    disabled: Observed,
    revoke: Observed,
}

impl ClientAdminApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            permissions: Observed::method("SetClientPermissions"),
            disabled: Observed::method("SetClientDisabled"),
            revoke: Observed::method("RevokeClientTokens"),
        }
    }
}

#[tonic::async_trait]
impl ClientAdminService for ClientAdminApi {
    async fn set_client_permissions(
        &self,
        request: Request<v1::SetClientPermissionsRequest>,
    ) -> Result<Response<v1::SetClientPermissionsResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let permissions = sent.permissions().map(permission).collect::<Result<_, _>>()?;
            let client = engine.set_client_permissions(administrator, &name, &sent.client_id, permissions).await?;
            Ok(v1::SetClientPermissionsResponse { client: Some(client_message(&name, &client)) })
        });
        self.permissions.run(call).await
    }

    async fn set_client_disabled(
        &self,
        request: Request<v1::SetClientDisabledRequest>,
    ) -> Result<Response<v1::SetClientDisabledResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let client = engine.set_client_disabled(administrator, &name, &sent.client_id, sent.disabled).await?;
            Ok(v1::SetClientDisabledResponse { client: Some(client_message(&name, &client)) })
        });
        self.disabled.run(call).await
    }

    async fn revoke_client_tokens(
        &self,
        request: Request<v1::RevokeClientTokensRequest>,
    ) -> Result<Response<v1::RevokeClientTokensResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            engine.revoke_client_tokens(administrator, &name, &sent.client_id).await?;
            Ok(v1::RevokeClientTokensResponse {})
        });
        self.revoke.run(call).await
    }
}

fn permission(sent: ClientPermission) -> Result<Permission, Refusal> {
    match sent {
        ClientPermission::IssueCode => Ok(Permission::IssueCode),
        ClientPermission::RegisterClients => Ok(Permission::RegisterClients),
        ClientPermission::IntrospectAny => Ok(Permission::IntrospectAny),
        ClientPermission::Unspecified => Err(Refusal::InvalidField("permissions", "has a value that is not known".into())),
    }
}
