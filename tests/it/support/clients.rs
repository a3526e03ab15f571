//! Registered clients, and the codes that a trusted caller has issued for them.

use jeton::pb::admin::v1::client_admin_service_client::ClientAdminServiceClient;
use jeton::pb::admin::v1::key_service_client::KeyServiceClient;
use jeton::pb::admin::v1::user_service_client::UserServiceClient;
use jeton::pb::admin::v1::workspace_service_client::WorkspaceServiceClient;
use jeton::pb::admin::v1::{CreateWorkspaceRequest, SetClientPermissionsRequest, UpdateWorkspaceRequest, WorkspaceSettings};
use jeton::pb::v1::authorization_service_client::AuthorizationServiceClient;
use jeton::pb::v1::client_service_client::ClientServiceClient;
use jeton::pb::v1::{
    ApplicationType, ClientMetadata, ClientPermission, GrantType, IssueCodeRequest, RegisterClientRequest,
    TokenEndpointAuthMethod,
};
use tonic::Status;
use tonic::transport::Channel;

use super::server::Server;

/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B: the S256 challenge of [`VERIFIER`].
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// What the clients of the tests register.
pub const REDIRECT_URI: &str = "https://app.example.org/cb";

/// A client as its developer knows it.
#[derive(Clone, Debug)]
pub struct Party {
    /// Empty for the default workspace.
    pub workspace: String,
    pub client_id: String,
    /// `None` for a public client.
    pub secret: Option<String>,
}

impl Party {
    /// The same client, in its own words, in another workspace.
    pub fn in_workspace(&self, workspace: &str) -> Self {
        Self { workspace: workspace.to_owned(), ..self.clone() }
    }

    /// The same client with another secret.
    pub fn with_secret(&self, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..self.clone() }
    }

    /// The same client without its secret.
    pub fn without_secret(&self) -> Self {
        Self { secret: None, ..self.clone() }
    }

    /// `Basic` and both halves.
    pub fn basic(&self) -> String {
        use base64::Engine as _;
        let pair = format!("{}:{}", self.client_id, self.secret.as_deref().unwrap_or_default());
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }
}

/// A confidential client that people sign in to.
pub fn web() -> ClientMetadata {
    ClientMetadata {
        client_name: "Web".to_owned(),
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        scope: "read write admin".to_owned(),
        default_scope: "read write".to_owned(),
        ..ClientMetadata::default()
    }
}

/// A public client on a person's device.
pub fn native() -> ClientMetadata {
    ClientMetadata {
        client_name: "Native".to_owned(),
        redirect_uris: vec![REDIRECT_URI.to_owned(), "http://127.0.0.1/cb".to_owned(), "com.example.app:/cb".to_owned()],
        token_endpoint_auth_method: TokenEndpointAuthMethod::None.into(),
        application_type: ApplicationType::Native.into(),
        ..web()
    }
}

/// A client that only acts for itself.
pub fn service() -> ClientMetadata {
    ClientMetadata {
        client_name: "Service".to_owned(),
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::ClientCredentials.into()],
        ..web()
    }
}

impl Server {
    /// `jeton.v1.ClientService`; its messages need [`Server::as_admin`].
    pub fn clients(&self) -> ClientServiceClient<Channel> {
        ClientServiceClient::new(self.admin())
    }

    /// `jeton.admin.v1.ClientAdminService`.
    pub fn client_admin(&self) -> ClientAdminServiceClient<Channel> {
        ClientAdminServiceClient::new(self.admin())
    }

    /// `jeton.admin.v1.UserService`.
    pub fn users(&self) -> UserServiceClient<Channel> {
        UserServiceClient::new(self.admin())
    }

    /// `jeton.admin.v1.WorkspaceService`.
    pub fn workspaces(&self) -> WorkspaceServiceClient<Channel> {
        WorkspaceServiceClient::new(self.admin())
    }

    /// `jeton.admin.v1.KeyService`.
    pub fn keys(&self) -> KeyServiceClient<Channel> {
        KeyServiceClient::new(self.admin())
    }

    /// `jeton.v1.AuthorizationService`.
    pub fn authorizations(&self) -> AuthorizationServiceClient<Channel> {
        AuthorizationServiceClient::new(self.admin())
    }

    /// Registers a client in the default workspace.
    pub async fn register(&self, metadata: ClientMetadata) -> Party {
        self.register_in("", metadata).await
    }

    /// Registers a client.
    pub async fn register_in(&self, workspace: &str, metadata: ClientMetadata) -> Party {
        self.try_register(workspace, metadata).await.unwrap()
    }

    /// Registers a client, if the server lets it.
    pub async fn try_register(&self, workspace: &str, metadata: ClientMetadata) -> Result<Party, Status> {
        let request = RegisterClientRequest {
            workspace: workspace.to_owned(),
            metadata: Some(metadata),
            ..RegisterClientRequest::default()
        };
        let registered = self.clients().register_client(self.as_admin(request)).await?.into_inner();
        Ok(Party {
            workspace: workspace.to_owned(),
            client_id: registered.client.unwrap().client_id,
            secret: Some(registered.client_secret).filter(|secret| !secret.is_empty()),
        })
    }

    /// Gives a client permissions.
    pub async fn permit(&self, party: &Party, permissions: &[ClientPermission]) {
        let request = SetClientPermissionsRequest {
            workspace: party.workspace.clone(),
            client_id: party.client_id.clone(),
            permissions: permissions.iter().map(|&permission| permission.into()).collect(),
        };
        self.client_admin().set_client_permissions(self.as_admin(request)).await.unwrap();
    }

    /// Makes a workspace.
    pub async fn create_workspace(&self, name: &str) {
        let request = CreateWorkspaceRequest { name: name.to_owned(), settings: None };
        self.workspaces().create_workspace(self.as_admin(request)).await.unwrap();
    }

    /// Replaces a workspace's settings.
    pub async fn set_workspace(&self, name: &str, settings: WorkspaceSettings) {
        let request = UpdateWorkspaceRequest { name: name.to_owned(), settings: Some(settings), revision: 0 };
        self.workspaces().update_workspace(self.as_admin(request)).await.unwrap();
    }

    /// A code for a person, bound to [`REDIRECT_URI`] and [`CHALLENGE`].
    pub async fn code(&self, party: &Party, subject: &str, scope: &str) -> String {
        self.try_code(party, subject, scope).await.unwrap()
    }

    /// The same, if the server lets it.
    pub async fn try_code(&self, party: &Party, subject: &str, scope: &str) -> Result<String, Status> {
        let request = IssueCodeRequest {
            workspace: party.workspace.clone(),
            client_id: party.client_id.clone(),
            redirect_uri: REDIRECT_URI.to_owned(),
            scope: scope.to_owned(),
            code_challenge: CHALLENGE.to_owned(),
            code_challenge_method: "S256".to_owned(),
            subject: subject.to_owned(),
            auth_time: 0,
        };
        Ok(self.authorizations().issue_code(self.as_admin(request)).await?.into_inner().code)
    }
}
