//! Which services each gRPC listener serves.

use std::sync::Arc;

use axum::Router;
use tonic::service::{LayerExt, Routes};
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::config::Reflection;
use crate::engine::Engine;
use crate::grpc::admin::client::ClientAdminApi;
use crate::grpc::admin::key::KeyApi;
use crate::grpc::admin::policy::PolicyApi;
use crate::grpc::admin::scope::ScopeApi;
use crate::grpc::admin::user::UserApi;
use crate::grpc::admin::workspace::WorkspaceApi;
use crate::grpc::authorization::AuthorizationApi;
use crate::grpc::client::ClientApi;
use crate::grpc::metadata::MetadataApi;
use crate::grpc::token::TokenApi;
use crate::pb;
use crate::pb::admin::v1::client_admin_service_server::ClientAdminServiceServer;
use crate::pb::admin::v1::key_service_server::KeyServiceServer;
use crate::pb::admin::v1::policy_service_server::PolicyServiceServer;
use crate::pb::admin::v1::scope_service_server::ScopeServiceServer;
use crate::pb::admin::v1::user_service_server::UserServiceServer;
use crate::pb::admin::v1::workspace_service_server::WorkspaceServiceServer;
use crate::pb::v1::authorization_service_server::AuthorizationServiceServer;
use crate::pb::v1::client_service_server::ClientServiceServer;
use crate::pb::v1::metadata_service_server::MetadataServiceServer;
use crate::pb::v1::token_service_server::TokenServiceServer;
use crate::server::deadline::DeadlineLayer;

/// The services of package `jeton.v1`, shared by every surface.
#[derive(Clone)]
pub struct PublicApis {
    /// `TokenService`.
    pub token: Arc<TokenApi>,
    /// `AuthorizationService`.
    pub authorization: Arc<AuthorizationApi>,
    /// `MetadataService`.
    pub metadata: Arc<MetadataApi>,
    /// `ClientService`.
    pub client: Arc<ClientApi>,
}

impl PublicApis {
    /// The services of an engine.
    #[must_use]
    pub fn new(engine: &Arc<Engine>) -> Self {
        Self {
            token: Arc::new(TokenApi::new(Arc::clone(engine))),
            authorization: Arc::new(AuthorizationApi::new(Arc::clone(engine))),
            metadata: Arc::new(MetadataApi::new(Arc::clone(engine))),
            client: Arc::new(ClientApi::new(Arc::clone(engine))),
        }
    }
}

/// What both gRPC listeners need.
pub struct Common<H> {
    /// `grpc.health.v1`.
    pub health: HealthServer<H>,
    /// Whether reflection is served.
    pub reflection: Reflection,
    /// The largest message that is read.
    pub message_bytes: usize,
    /// The longest that a call may take.
    pub deadline: DeadlineLayer,
}

impl<H: Health> Clone for Common<H> {
    fn clone(&self) -> Self {
        Self {
            health: self.health.clone(),
            reflection: self.reflection,
            message_bytes: self.message_bytes,
            deadline: self.deadline,
        }
    }
}

/// Package `jeton.v1`, for everybody.
pub fn public<H: Health>(apis: &PublicApis, common: Common<H>) -> Router {
    finish(with_public(Routes::default(), apis, &common), common)
}

/// Packages `jeton.v1` and `jeton.admin.v1`, for operators.
pub fn admin<H: Health>(engine: &Arc<Engine>, apis: &PublicApis, common: Common<H>) -> Router {
    let (limit, in_time) = (common.message_bytes, common.deadline);
    let workspaces = WorkspaceServiceServer::new(WorkspaceApi::new(Arc::clone(engine))).max_decoding_message_size(limit);
    let clients = ClientAdminServiceServer::new(ClientAdminApi::new(Arc::clone(engine))).max_decoding_message_size(limit);
    let keys = KeyServiceServer::new(KeyApi::new(Arc::clone(engine))).max_decoding_message_size(limit);
    let scopes = ScopeServiceServer::new(ScopeApi::new(Arc::clone(engine))).max_decoding_message_size(limit);
    let users = UserServiceServer::new(UserApi::new(Arc::clone(engine))).max_decoding_message_size(limit);
    let policies = PolicyServiceServer::new(PolicyApi::new(Arc::clone(engine))).max_decoding_message_size(limit);
    let routes = Routes::default()
        .add_service(in_time.named_layer(workspaces))
        .add_service(in_time.named_layer(clients))
        .add_service(in_time.named_layer(keys))
        .add_service(in_time.named_layer(users))
        .add_service(in_time.named_layer(policies))
        .add_service(in_time.named_layer(scopes));
    finish(with_public(routes, apis, &common), common)
}

// Each service has the deadline by itself: a layer around the router would box every call once more.
fn with_public<H>(routes: Routes, apis: &PublicApis, common: &Common<H>) -> Routes {
    let (limit, in_time) = (common.message_bytes, common.deadline);
    let tokens = TokenServiceServer::from_arc(Arc::clone(&apis.token)).max_decoding_message_size(limit);
    let authorizations = AuthorizationServiceServer::from_arc(Arc::clone(&apis.authorization)).max_decoding_message_size(limit);
    let metadata = MetadataServiceServer::from_arc(Arc::clone(&apis.metadata)).max_decoding_message_size(limit);
    let clients = ClientServiceServer::from_arc(Arc::clone(&apis.client)).max_decoding_message_size(limit);
    routes
        .add_service(in_time.named_layer(tokens))
        .add_service(in_time.named_layer(authorizations))
        .add_service(in_time.named_layer(metadata))
        .add_service(in_time.named_layer(clients))
}

fn finish<H: Health>(routes: Routes, common: Common<H>) -> Router {
    let in_time = common.deadline;
    let routes = routes.add_service(in_time.named_layer(common.health));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // So that tools show the details of a refusal in words.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    let routes = match (common.reflection, reflection) {
        (Reflection::On, Ok(reflection)) => routes.add_service(in_time.named_layer(reflection)),
        // The descriptors are compiled in, and a test reads them.
        (Reflection::On, Err(_)) | (Reflection::Off, _) => routes,
    };
    routes.into_axum_router()
}
