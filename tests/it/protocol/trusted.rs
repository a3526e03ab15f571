//! Who may call what: every method of every service, against every kind of caller.

use http::uri::PathAndQuery;
use jeton::pb::FILE_DESCRIPTOR_SET;
use jeton::pb::v1::{ClientPermission, RotateClientSecretRequest};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

use crate::support::clients::{Party, native, service};
use crate::support::server::{Server, with_authorization};

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gate {
    /// Anybody: the request itself says who asks.
    Open,
    /// Nobody over the network.
    Gateway,
    /// The administrator, and clients with this permission.
    Permission(ClientPermission),
    /// The administrator alone.
    Administrator,
}

const ISSUE: Gate = Gate::Permission(ClientPermission::IssueCode);
const REGISTER: Gate = Gate::Permission(ClientPermission::RegisterClients);

/// A method without a row fails the test below.
const GATES: &[(&str, Gate)] = &[
    ("/jeton.admin.v1.ClientAdminService/RevokeClientTokens", Gate::Administrator),
    ("/jeton.admin.v1.ClientAdminService/SetClientDisabled", Gate::Administrator),
    ("/jeton.admin.v1.ClientAdminService/SetClientPermissions", Gate::Administrator),
    ("/jeton.admin.v1.KeyService/ListKeys", Gate::Administrator),
    ("/jeton.admin.v1.KeyService/RotateKey", Gate::Administrator),
    ("/jeton.admin.v1.PolicyService/ApplyPreset", Gate::Administrator),
    ("/jeton.admin.v1.PolicyService/DisablePolicy", Gate::Administrator),
    ("/jeton.admin.v1.PolicyService/EnablePolicy", Gate::Administrator),
    ("/jeton.admin.v1.PolicyService/ReportPolicies", Gate::Administrator),
    ("/jeton.admin.v1.ScopeService/DeleteScope", Gate::Administrator),
    ("/jeton.admin.v1.ScopeService/ListScopes", Gate::Administrator),
    ("/jeton.admin.v1.ScopeService/SetScope", Gate::Administrator),
    ("/jeton.admin.v1.UserService/CreateUser", Gate::Administrator),
    ("/jeton.admin.v1.UserService/ListUserConsents", Gate::Administrator),
    ("/jeton.admin.v1.UserService/ListUsers", Gate::Administrator),
    ("/jeton.admin.v1.UserService/RevokeUserTokens", Gate::Administrator),
    ("/jeton.admin.v1.UserService/SetUserAdministrator", Gate::Administrator),
    ("/jeton.admin.v1.UserService/SetUserDisabled", Gate::Administrator),
    ("/jeton.admin.v1.UserService/SetUserPassword", Gate::Administrator),
    ("/jeton.admin.v1.UserService/WithdrawUserConsent", Gate::Administrator),
    ("/jeton.admin.v1.WorkspaceService/CreateWorkspace", Gate::Administrator),
    ("/jeton.admin.v1.WorkspaceService/DeleteWorkspace", Gate::Administrator),
    ("/jeton.admin.v1.WorkspaceService/GetWorkspace", Gate::Administrator),
    ("/jeton.admin.v1.WorkspaceService/ListWorkspaces", Gate::Administrator),
    ("/jeton.admin.v1.WorkspaceService/UpdateWorkspace", Gate::Administrator),
    ("/jeton.v1.AuthorizationService/ContinueAuthorization", Gate::Gateway),
    ("/jeton.v1.AuthorizationService/DecideAuthorization", ISSUE),
    ("/jeton.v1.AuthorizationService/GetAuthorization", ISSUE),
    ("/jeton.v1.AuthorizationService/IssueCode", ISSUE),
    ("/jeton.v1.AuthorizationService/ValidateAuthorization", ISSUE),
    ("/jeton.v1.ClientService/DeleteClient", REGISTER),
    ("/jeton.v1.ClientService/GetClient", REGISTER),
    ("/jeton.v1.ClientService/ListClients", REGISTER),
    ("/jeton.v1.ClientService/RegisterClient", REGISTER),
    ("/jeton.v1.ClientService/RotateClientSecret", REGISTER),
    ("/jeton.v1.ClientService/UpdateClient", REGISTER),
    ("/jeton.v1.MetadataService/GetJwks", Gate::Open),
    ("/jeton.v1.MetadataService/GetServerMetadata", Gate::Open),
    ("/jeton.v1.TokenService/IntrospectToken", Gate::Open),
    ("/jeton.v1.TokenService/IssueToken", Gate::Open),
    ("/jeton.v1.TokenService/RevokeToken", Gate::Open),
];

/// Every method that the descriptors name.
fn methods() -> Vec<String> {
    let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut methods = Vec::new();
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                methods.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    methods.sort();
    methods
}

/// Calls a method with an empty message.
async fn call(channel: Channel, path: &'static str, authorization: Option<&str>) -> Result<(), Status> {
    let request = match authorization {
        Some(authorization) => with_authorization((), authorization),
        None => Request::new(()),
    };
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    grpc.unary(request, PathAndQuery::from_static(path), ProstCodec::<(), ()>::default()).await.map(|_| ())
}

/// What a caller is told before its message is looked at; `None` when it is let in.
fn turned_away(outcome: &Result<(), Status>) -> Option<Code> {
    let code = outcome.as_ref().err()?.code();
    matches!(code, Code::Unauthenticated | Code::PermissionDenied).then_some(code)
}

#[test]
fn every_method_has_a_row() {
    assert_eq!(methods(), GATES.iter().map(|(method, _)| (*method).to_owned()).collect::<Vec<_>>());
}

/// RFC 9700 section 4.15; threats I3 and M1: deny by default, one row a method.
#[tokio::test]
async fn every_method_lets_in_exactly_those_of_its_row() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let plain = server.register(service()).await;
    let elsewhere = server.register_in("acme", service()).await;
    let every = [ClientPermission::IssueCode, ClientPermission::RegisterClients, ClientPermission::IntrospectAny];
    server.permit(&elsewhere, &every).await;
    let mut permitted = Vec::new();
    for permission in every {
        let client = server.register(service()).await;
        server.permit(&client, &[permission]).await;
        permitted.push((permission, client));
    }
    let public = server.register(native()).await;
    let wrong_secret = permitted[0].1.with_secret("jcs_wrong").basic();
    let administrator = format!("Bearer {}", server.admin_token);
    let strangers = [
        (None, Code::Unauthenticated, Code::Unauthenticated),
        (Some("Bearer jadm_wrong".to_owned()), Code::Unauthenticated, Code::Unauthenticated),
        (Some("Bearer ".to_owned()), Code::Unauthenticated, Code::Unauthenticated),
        (Some(format!("Digest {}", server.admin_token)), Code::Unauthenticated, Code::Unauthenticated),
        (Some(wrong_secret), Code::Unauthenticated, Code::PermissionDenied),
        (Some(elsewhere.basic()), Code::Unauthenticated, Code::PermissionDenied),
        (Some(public.basic()), Code::Unauthenticated, Code::PermissionDenied),
        (Some(plain.basic()), Code::PermissionDenied, Code::PermissionDenied),
    ];
    for &(method, gate) in GATES {
        let open = call(server.admin(), method, None).await.err().map(|status| (status.code(), status.message().to_owned()));
        for (authorization, to_clients, to_administrator) in &strangers {
            let outcome = call(server.admin(), method, authorization.as_deref()).await;
            let expected = match gate {
                Gate::Open => {
                    let answer = outcome.err().map(|status| (status.code(), status.message().to_owned()));
                    assert_eq!(answer, open, "{method} for {authorization:?}");
                    continue;
                }
                Gate::Gateway => Code::PermissionDenied,
                Gate::Permission(_) => *to_clients,
                Gate::Administrator => *to_administrator,
            };
            assert_eq!(turned_away(&outcome), Some(expected), "{method} for {authorization:?}");
        }
        for (permission, client) in &permitted {
            let outcome = call(server.admin(), method, Some(&client.basic())).await;
            let expected = match gate {
                Gate::Open => continue,
                Gate::Permission(needed) if needed == *permission => None,
                Gate::Gateway | Gate::Permission(_) | Gate::Administrator => Some(Code::PermissionDenied),
            };
            assert_eq!(turned_away(&outcome), expected, "{method} with {permission:?}");
        }
        let outcome = call(server.admin(), method, Some(&administrator)).await;
        let expected = (gate == Gate::Gateway).then_some(Code::PermissionDenied);
        if gate != Gate::Open {
            assert_eq!(turned_away(&outcome), expected, "{method} for the administrator");
        }
    }
}

/// The listener for everybody does not know the operators' services at all.
#[tokio::test]
async fn the_public_listener_serves_no_admin_method() {
    let server = Server::start().await;
    let administrator = format!("Bearer {}", server.admin_token);
    for &(method, _) in GATES {
        let outcome = call(server.public(), method, Some(&administrator)).await;
        let unknown = outcome.is_err_and(|status| status.code() == Code::Unimplemented);
        assert_eq!(unknown, method.starts_with("/jeton.admin."), "{method}");
    }
}

/// Every refusal says in `google.rpc.ErrorInfo` why, and whose reasons these are.
#[tokio::test]
async fn every_refusal_carries_its_reason() {
    let server = Server::start().await;
    for &(method, _) in GATES {
        for authorization in [None, Some(format!("Bearer {}", server.admin_token))] {
            if let Err(status) = call(server.admin(), method, authorization.as_deref()).await {
                let info = status.get_details_error_info().unwrap_or_else(|| panic!("{method}: {status:?}"));
                assert!(["oauth", "jeton"].contains(&info.domain.as_str()), "{method}");
                assert!(!info.reason.is_empty(), "{method}");
            }
        }
    }
}

/// Threat I3: with the secret of a client come its permissions, so that who may register clients makes no new secret for
/// one that may do more; nor does a workspace's administrator, who is no operator.
#[tokio::test]
async fn a_new_secret_is_no_way_to_permissions() {
    let server = Server::start().await;
    let (registrar, login) = (server.register(service()).await, server.register(service()).await);
    server.permit(&registrar, &[ClientPermission::RegisterClients]).await;
    server.permit(&login, &[ClientPermission::IssueCode]).await;
    let plain = server.register(service()).await;
    let rotate = async |party: &Party| {
        let request = RotateClientSecretRequest { client_id: party.client_id.clone(), ..Default::default() };
        let request = with_authorization(request, &registrar.basic());
        server.clients().rotate_client_secret(request).await.map(|_| ()).map_err(|status| status.code())
    };
    assert_eq!(rotate(&plain).await, Ok(()));
    assert_eq!(rotate(&login).await, Err(Code::PermissionDenied));
    server.permit(&registrar, &[ClientPermission::RegisterClients, ClientPermission::IssueCode]).await;
    assert_eq!(rotate(&login).await, Ok(()));
    assert_eq!(rotate(&registrar).await, Ok(()), "its own");
}
