//! What gRPC brings along: health, reflection, reasons.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jeton::pb::admin::v1::CreateUserRequest;
use jeton::pb::v1::{GetClientRequest, IssueTokenRequest};
use prost::Message;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codegen::tokio_stream;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt;

use crate::support::server::Server;

/// `grpc.health.v1`: the whole server and every service serve.
#[tokio::test]
async fn every_service_is_serving() {
    let server = Server::start().await;
    for (channel, services) in [
        (server.public(), &["", "jeton.v1.TokenService", "jeton.v1.AuthorizationService", "jeton.v1.ClientService"][..]),
        (server.admin(), &["", "jeton.v1.MetadataService", "jeton.admin.v1.WorkspaceService", "jeton.admin.v1.KeyService"]),
    ] {
        let mut health = HealthClient::new(channel);
        for service in services {
            let request = HealthCheckRequest { service: (*service).to_owned() };
            assert_eq!(health.check(request).await.unwrap().into_inner().status(), ServingStatus::Serving, "{service}");
        }
        let request = HealthCheckRequest { service: "jeton.v1.Nothing".to_owned() };
        assert_eq!(health.check(request).await.unwrap_err().code(), Code::NotFound);
    }
}

async fn reflect(channel: Channel) -> Result<Vec<String>, Code> {
    let request =
        ServerReflectionRequest { host: String::new(), message_request: Some(MessageRequest::ListServices(String::new())) };
    let mut reflection = ServerReflectionClient::new(channel);
    let answers = reflection.server_reflection_info(tokio_stream::once(request)).await;
    let answer = answers.map_err(|status| status.code())?.into_inner().message().await.map_err(|status| status.code())?;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.unwrap().message_response else { panic!("no list") };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    Ok(names)
}

/// Reflection names the services, for tools without our proto files.
#[tokio::test]
async fn reflection_lists_the_services() {
    let server = Server::start().await;
    for channel in [server.public(), server.admin()] {
        assert_eq!(
            reflect(channel).await.unwrap(),
            [
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "jeton.admin.v1.ClientAdminService",
                "jeton.admin.v1.KeyService",
                "jeton.admin.v1.PolicyService",
                "jeton.admin.v1.ScopeService",
                "jeton.admin.v1.UserService",
                "jeton.admin.v1.WorkspaceService",
                "jeton.v1.AuthorizationService",
                "jeton.v1.ClientService",
                "jeton.v1.MetadataService",
                "jeton.v1.TokenService",
            ]
        );
    }
}

/// Reflection can be switched off.
#[tokio::test]
async fn reflection_can_be_switched_off() {
    let server = Server::with(&["grpc.reflection=false"]).await;
    assert_eq!(reflect(server.public()).await.unwrap_err(), Code::Unimplemented);
    assert_eq!(reflect(server.admin()).await.unwrap_err(), Code::Unimplemented);
}

/// `google.rpc.ErrorInfo` tells a program why: the standard's reasons under `oauth`, the server's own under `jeton`.
#[tokio::test]
async fn a_refusal_has_a_reason_and_a_domain() {
    let server = Server::start().await;
    let status = server.tokens().issue_token(IssueTokenRequest::default()).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("UNSUPPORTED_GRANT_TYPE", "oauth"));
    let status = server.clients().get_client(server.as_admin(GetClientRequest::default())).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NOT_FOUND", "jeton"));
}

/// A call that runs out of its `grpc-timeout` says so.
#[tokio::test]
async fn a_call_out_of_time_is_answered_deadline_exceeded() {
    let server = Server::start().await;
    let stream = TcpStream::connect(server.addresses().admin).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let message = CreateUserRequest { workspace: String::new(), username: "alice".to_owned(), ..CreateUserRequest::default() }
        .encode_to_vec();
    let frame = [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat();
    let request = http::Request::post(format!("http://{}/jeton.admin.v1.UserService/CreateUser", server.addresses().admin))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "1n")
        .header("authorization", format!("Bearer {}", server.admin_token))
        .body(Full::new(Bytes::from(frame)));
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "4");
}
