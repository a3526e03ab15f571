//! `jeton serve --dev`: a user and clients to try things with, made over the admin gRPC like anybody's.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tonic::Code;

use crate::cli::client;
use crate::cli::connection::{Authorized, authorized};
use crate::cli::failure::Failure;
use crate::config::Config;
use crate::pb::admin::v1::client_admin_service_client::ClientAdminServiceClient;
use crate::pb::admin::v1::scope_service_client::ScopeServiceClient;
use crate::pb::admin::v1::user_service_client::UserServiceClient;
use crate::pb::admin::v1::{CreateUserRequest, Scope, SetClientPermissionsRequest, SetScopeRequest, SetUserPasswordRequest};
use crate::pb::v1::client_service_client::ClientServiceClient;
use crate::pb::v1::{Client, ClientMetadata, ClientPermission, GrantType, RegisterClientRequest, RotateClientSecretRequest};
use crate::types::entropy::{Entropy, OsEntropy};
use crate::types::ids::checksummed;
use crate::types::secret::Secret;

/// The user that codes are issued for.
pub const USER: &str = "alice";
/// Where the web application's codes go.  Nothing has to listen there: the code is taken over gRPC.
pub const REDIRECT_URI: &str = "http://127.0.0.1:9999/callback";

const DEFAULT_WORKSPACE: &str = "";

/// What was made.
pub struct Seeded {
    /// What [`USER`] signs in with.
    pub password: Secret,
    /// Asks for tokens of its own.
    pub service: Credentials,
    /// Redeems codes.
    pub web: Credentials,
    /// May have codes issued.
    pub login: Credentials,
}

/// A client and its secret.
pub struct Credentials {
    /// The identifier.
    pub client_id: String,
    /// The secret.
    pub client_secret: Secret,
}

impl Seeded {
    /// What was made, for scripts.
    pub fn summary(&self) -> Value {
        json!({
            "user": USER,
            "password": self.password.expose_secret(),
            "redirect_uri": REDIRECT_URI,
            "service": self.service.summary(),
            "web": self.web.summary(),
            "login": self.login.summary(),
        })
    }
}

impl Credentials {
    fn summary(&self) -> Value {
        json!({ "client_id": self.client_id, "client_secret": self.client_secret.expose_secret() })
    }
}

/// Refuses what is not for development: everybody can read the secrets that it prints.
///
/// # Errors
/// When a listener has an address that is not a loopback one.
pub fn check(config: &Config) -> Result<(), Failure> {
    let listen = &config.listen;
    let listeners =
        [("listen.http", listen.http), ("listen.grpc", listen.grpc), ("listen.admin", listen.admin), ("listen.ops", listen.ops)];
    match listeners.iter().find(|(_, address)| !address.ip().is_loopback()) {
        Some((key, address)) => {
            Err(Failure::Usage(format!("--dev prints secrets, so it listens only on loopback addresses; {key} is {address}")))
        }
        None => Ok(()),
    }
}

/// Makes the user and the clients.  Clients of an earlier start get new secrets, because nobody can
/// read the old ones.
///
/// # Errors
/// When the server refuses.
pub async fn seed(admin: SocketAddr, token: &Secret) -> Result<Seeded, Failure> {
    let connection = authorized(&format!("http://{admin}"), token).await?;
    let password = user(&mut UserServiceClient::new(connection.clone())).await?;
    describe_scopes(&mut ScopeServiceClient::new(connection.clone())).await?;
    let mut service = ClientServiceClient::new(connection.clone());
    let present = client::list(&mut service, DEFAULT_WORKSPACE).await?;
    let seeded = Seeded {
        password,
        service: credentials(&mut service, &present, service_metadata()).await?,
        web: credentials(&mut service, &present, web_metadata()).await?,
        login: credentials(&mut service, &present, login_metadata()).await?,
    };
    let permissions = SetClientPermissionsRequest {
        workspace: DEFAULT_WORKSPACE.to_owned(),
        client_id: seeded.login.client_id.clone(),
        permissions: vec![ClientPermission::IssueCode.into()],
    };
    ClientAdminServiceClient::new(connection).set_client_permissions(permissions).await?;
    Ok(seeded)
}

/// Says what the scopes mean, so that the consent page does, and people can choose them for applications.
async fn describe_scopes(service: &mut ScopeServiceClient<Authorized>) -> Result<(), Failure> {
    for (name, description) in [("read", "See your documents"), ("write", "Change and delete your documents")] {
        let scope = Scope { name: name.to_owned(), description: description.to_owned(), restricted: false };
        service.set_scope(SetScopeRequest { workspace: DEFAULT_WORKSPACE.to_owned(), scope: Some(scope) }).await?;
    }
    Ok(())
}

/// Makes the user, or gives the one of an earlier start a new password.
async fn user(service: &mut UserServiceClient<Authorized>) -> Result<Secret, Failure> {
    let entropy: &dyn Entropy = &OsEntropy;
    let random = entropy.array::<12>().map_err(|error| Failure::refused("no_entropy", error.to_string()))?;
    let password = Secret::new(checksummed("", &random));
    let text = || password.expose_secret().to_owned();
    let (workspace, username) = (DEFAULT_WORKSPACE.to_owned(), USER.to_owned());
    let new = CreateUserRequest { workspace: workspace.clone(), username, password: text(), administrator: false };
    match service.create_user(new).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::AlreadyExists => {
            let renewed = SetUserPasswordRequest { workspace, subject: USER.to_owned(), password: text() };
            service.set_user_password(renewed).await?;
        }
        Err(status) => return Err(status.into()),
    }
    Ok(password)
}

async fn credentials(
    service: &mut ClientServiceClient<Authorized>,
    present: &[Client],
    metadata: ClientMetadata,
) -> Result<Credentials, Failure> {
    let named = |client: &&Client| client.metadata.as_ref().is_some_and(|known| known.client_name == metadata.client_name);
    let workspace = DEFAULT_WORKSPACE.to_owned();
    if let Some(client) = present.iter().find(named) {
        let client_id = client.client_id.clone();
        let request = RotateClientSecretRequest { workspace, client_id: client_id.clone(), overlap_seconds: 0 };
        let rotated = service.rotate_client_secret(request).await?.into_inner();
        return Ok(Credentials { client_id, client_secret: Secret::new(rotated.client_secret) });
    }
    let request = RegisterClientRequest { workspace, metadata: Some(metadata), ..RegisterClientRequest::default() };
    let registered = service.register_client(request).await?.into_inner();
    Ok(Credentials {
        client_id: registered.client.unwrap_or_default().client_id,
        client_secret: Secret::new(registered.client_secret),
    })
}

fn service_metadata() -> ClientMetadata {
    ClientMetadata {
        client_name: "dev service".to_owned(),
        grant_types: vec![GrantType::ClientCredentials.into()],
        scope: "read write".to_owned(),
        default_scope: "read".to_owned(),
        ..ClientMetadata::default()
    }
}

fn web_metadata() -> ClientMetadata {
    ClientMetadata {
        client_name: "dev web app".to_owned(),
        grant_types: vec![GrantType::AuthorizationCode.into(), GrantType::RefreshToken.into()],
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        scope: "read write".to_owned(),
        ..ClientMetadata::default()
    }
}

fn login_metadata() -> ClientMetadata {
    ClientMetadata {
        client_name: "dev login application".to_owned(),
        grant_types: vec![GrantType::ClientCredentials.into()],
        scope: "login".to_owned(),
        ..ClientMetadata::default()
    }
}
