//! Which services each gRPC listener serves.

use std::sync::Arc;

use axum::Router;
use tonic::service::Routes;
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::config::Reflection;
use crate::engine::Engine;
use crate::grpc::admin::client::ClientAdminApi;
use crate::grpc::admin::key::KeyApi;
use crate::grpc::admin::user::UserApi;
use crate::grpc::admin::workspace::WorkspaceApi;
use crate::grpc::authorization::AuthorizationApi;
use crate::grpc::client::ClientApi;
use crate::grpc::metadata::MetadataApi;
use crate::grpc::token::TokenApi;
use crate::pb;
use crate::pb::admin::v1::client_admin_service_server::ClientAdminServiceServer;
use crate::pb::admin::v1::key_service_server::KeyServiceServer;
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
    let limit = common.message_bytes;
    let routes = Routes::new(TokenServiceServer::from_arc(Arc::clone(&apis.token)).max_decoding_message_size(limit));
    finish(with_public(routes, apis, limit), common)
}

/// Packages `jeton.v1` and `jeton.admin.v1`, for operators.
pub fn admin<H: Health>(engine: &Arc<Engine>, apis: &PublicApis, common: Common<H>) -> Router {
    let limit = common.message_bytes;
    let routes = Routes::new(TokenServiceServer::from_arc(Arc::clone(&apis.token)).max_decoding_message_size(limit))
        .add_service(WorkspaceServiceServer::new(WorkspaceApi::new(Arc::clone(engine))).max_decoding_message_size(limit))
        .add_service(ClientAdminServiceServer::new(ClientAdminApi::new(Arc::clone(engine))).max_decoding_message_size(limit))
        .add_service(KeyServiceServer::new(KeyApi::new(Arc::clone(engine))).max_decoding_message_size(limit))
        .add_service(UserServiceServer::new(UserApi::new(Arc::clone(engine))).max_decoding_message_size(limit));
    finish(with_public(routes, apis, limit), common)
}

fn with_public(routes: Routes, apis: &PublicApis, limit: usize) -> Routes {
    routes
        .add_service(AuthorizationServiceServer::from_arc(Arc::clone(&apis.authorization)).max_decoding_message_size(limit))
        .add_service(MetadataServiceServer::from_arc(Arc::clone(&apis.metadata)).max_decoding_message_size(limit))
        .add_service(ClientServiceServer::from_arc(Arc::clone(&apis.client)).max_decoding_message_size(limit))
}

fn finish<H: Health>(routes: Routes, common: Common<H>) -> Router {
    let routes = routes.add_service(common.health);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // So that tools show the details of a refusal in words.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    let routes = match (common.reflection, reflection) {
        (Reflection::On, Ok(reflection)) => routes.add_service(reflection),
        // The descriptors are compiled in, and a test reads them.
        (Reflection::On, Err(_)) | (Reflection::Off, _) => routes,
    };
    routes.into_axum_router().layer(common.deadline)
}
