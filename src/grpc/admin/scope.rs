//! `jeton.admin.v1.ScopeService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::grpc::caller::caller;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::workspace;
use crate::pb::admin::v1;
use crate::pb::admin::v1::scope_service_server::ScopeService;
use crate::store::scope::ScopeEntry;
use crate::types::error::Refusal;

/// The service.
#[derive(Clone)]
pub struct ScopeApi {
    engine: Arc<Engine>,
    set: Observed,
    list: Observed,
    delete: Observed,
}

impl ScopeApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            set: Observed::method("SetScope"),
            list: Observed::method("ListScopes"),
            delete: Observed::method("DeleteScope"),
        }
    }
}

#[tonic::async_trait]
impl ScopeService for ScopeApi {
    async fn set_scope(&self, request: Request<v1::SetScopeRequest>) -> Result<Response<v1::SetScopeResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let v1::Scope { name, description, restricted } =
                sent.scope.ok_or(Refusal::InvalidField("scope", "is missing".into()))?;
            let entry = ScopeEntry { name, description, restricted };
            let entry = engine.set_scope(administrator, &workspace(&sent.workspace)?, entry).await?;
            Ok(v1::SetScopeResponse { scope: Some(scope_message(entry)) })
        });
        self.set.run(call).await
    }

    async fn list_scopes(&self, request: Request<v1::ListScopesRequest>) -> Result<Response<v1::ListScopesResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let scopes = self.engine.list_scopes(administrator, &workspace(&sent.workspace)?).await?;
            Ok(v1::ListScopesResponse { scopes: scopes.into_iter().map(scope_message).collect() })
        };
        self.list.run(call).await
    }

    async fn delete_scope(&self, request: Request<v1::DeleteScopeRequest>) -> Result<Response<v1::DeleteScopeResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            engine.delete_scope(administrator, &workspace(&sent.workspace)?, &sent.name).await?;
            Ok(v1::DeleteScopeResponse {})
        });
        self.delete.run(call).await
    }
}

fn scope_message(entry: ScopeEntry) -> v1::Scope {
    v1::Scope { name: entry.name, description: entry.description, restricted: entry.restricted }
}
