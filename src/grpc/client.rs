//! `jeton.v1.ClientService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::manage_clients::PresetChoice;
use crate::engine::page::{PageRequest, cut_page};
use crate::engine::register::ClientMetadata;
use crate::grpc::caller::caller;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::{lifetimes, lifetimes_message, preset, preset_reason, workspace};
use crate::pb::v1;
use crate::pb::v1::client_service_server::ClientService;
use crate::store::client::{Client, PolicyGrant};
use crate::types::client::{ApplicationType, AuthMethod, GrantType, Permission};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::WorkspaceName;

/// The service.
#[derive(Clone)]
pub struct ClientApi {
    engine: Arc<Engine>,
    register: Observed,
    get: Observed,
    list: Observed,
    update: Observed,
    delete: Observed,
    rotate: Observed,
}

impl ClientApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            register: Observed::method("RegisterClient"),
            get: Observed::method("GetClient"),
            list: Observed::method("ListClients"),
            update: Observed::method("UpdateClient"),
            delete: Observed::method("DeleteClient"),
            rotate: Observed::method("RotateClientSecret"),
        }
    }
}

const NEEDED: Permission = Permission::RegisterClients;

#[tonic::async_trait]
impl ClientService for ClientApi {
    async fn register_client(
        &self,
        request: Request<v1::RegisterClientRequest>,
    ) -> Result<Response<v1::RegisterClientResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let name = workspace(&sent.workspace)?;
            let trusted = engine.trusted(&name, &caller(&headers), NEEDED).await?;
            let preset = match (sent.preset.as_str(), sent.policy_reason.is_empty()) {
                ("", true) => None,
                ("", false) => return Err(Refusal::InvalidField("policy_reason", "needs a preset".into())),
                (name, _) => {
                    // A client that may register others may not loosen what holds for them.
                    let by = engine.administrator(&caller(&headers))?;
                    let preset = preset(name)?;
                    Some(PresetChoice { preset, reason: preset_reason(preset, sent.policy_reason), by })
                }
            };
            let made = engine.register_client(trusted, &name, metadata(sent.metadata)?, preset).await?;
            Ok(v1::RegisterClientResponse {
                client: Some(client_message(&name, &made.client)),
                client_secret: made.secret.map(|secret| secret.expose_secret().to_owned()).unwrap_or_default(),
            })
        });
        self.register.run(call).await
    }

    async fn get_client(&self, request: Request<v1::GetClientRequest>) -> Result<Response<v1::GetClientResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let name = workspace(&sent.workspace)?;
            let trusted = self.engine.trusted(&name, &caller(&headers), NEEDED).await?;
            let client = self.engine.read_client(trusted, &name, &sent.client_id).await?;
            Ok(v1::GetClientResponse { client: Some(client_message(&name, &client)) })
        };
        self.get.run(call).await
    }

    async fn list_clients(&self, request: Request<v1::ListClientsRequest>) -> Result<Response<v1::ListClientsResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let name = workspace(&sent.workspace)?;
            let trusted = self.engine.trusted(&name, &caller(&headers), NEEDED).await?;
            let page = PageRequest::parse(sent.page_size, &sent.page_token)?;
            let mut clients = self.engine.list_clients(trusted, &name, &page).await?;
            Ok(v1::ListClientsResponse {
                next_page_token: cut_page(&mut clients, &page, |client| client.id.to_string()),
                clients: clients.iter().map(|client| client_message(&name, client)).collect(),
            })
        };
        self.list.run(call).await
    }

    async fn update_client(
        &self,
        request: Request<v1::UpdateClientRequest>,
    ) -> Result<Response<v1::UpdateClientResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let name = workspace(&sent.workspace)?;
            let trusted = engine.trusted(&name, &caller(&headers), NEEDED).await?;
            let metadata = metadata(sent.metadata)?;
            let client = engine.update_client(trusted, &name, &sent.client_id, metadata, sent.revision).await?;
            Ok(v1::UpdateClientResponse { client: Some(client_message(&name, &client)) })
        });
        self.update.run(call).await
    }

    async fn delete_client(
        &self,
        request: Request<v1::DeleteClientRequest>,
    ) -> Result<Response<v1::DeleteClientResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let name = workspace(&sent.workspace)?;
            let trusted = engine.trusted(&name, &caller(&headers), NEEDED).await?;
            engine.delete_client(trusted, &name, &sent.client_id).await?;
            Ok(v1::DeleteClientResponse {})
        });
        self.delete.run(call).await
    }

    async fn rotate_client_secret(
        &self,
        request: Request<v1::RotateClientSecretRequest>,
    ) -> Result<Response<v1::RotateClientSecretResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let name = workspace(&sent.workspace)?;
            let trusted = engine.trusted(&name, &caller(&headers), NEEDED).await?;
            let made = engine.rotate_client_secret(trusted, &name, &sent.client_id, sent.overlap_seconds).await?;
            Ok(v1::RotateClientSecretResponse {
                client: Some(client_message(&name, &made.client)),
                client_secret: made.secret.map(|secret| secret.expose_secret().to_owned()).unwrap_or_default(),
            })
        });
        self.rotate.run(call).await
    }
}

fn metadata(sent: Option<v1::ClientMetadata>) -> Result<ClientMetadata, Refusal> {
    let sent = sent.ok_or(Refusal::InvalidField("metadata", "is missing".into()))?;
    let grant_types = sent.grant_types().map(grant_type).collect::<Result<_, _>>()?;
    Ok(ClientMetadata {
        grant_types,
        auth_method: match sent.token_endpoint_auth_method() {
            v1::TokenEndpointAuthMethod::Unspecified | v1::TokenEndpointAuthMethod::ClientSecretBasic => {
                AuthMethod::ClientSecretBasic
            }
            v1::TokenEndpointAuthMethod::ClientSecretPost => AuthMethod::ClientSecretPost,
            v1::TokenEndpointAuthMethod::None => AuthMethod::None,
        },
        application_type: match sent.application_type() {
            v1::ApplicationType::Unspecified | v1::ApplicationType::Web => ApplicationType::Web,
            v1::ApplicationType::Native => ApplicationType::Native,
        },
        lifetimes: lifetimes(sent.lifetimes),
        logo_uri: sent.logo_uri,
        brand_color: sent.brand_color,
        name: sent.client_name,
        uri: sent.client_uri,
        redirect_uris: sent.redirect_uris,
        scope: sent.scope,
        default_scope: sent.default_scope,
        default_audience: sent.default_audience,
    })
}

fn grant_type(sent: v1::GrantType) -> Result<GrantType, OAuthError> {
    match sent {
        v1::GrantType::AuthorizationCode => Ok(GrantType::AuthorizationCode),
        v1::GrantType::RefreshToken => Ok(GrantType::RefreshToken),
        v1::GrantType::ClientCredentials => Ok(GrantType::ClientCredentials),
        v1::GrantType::Unspecified => {
            Err(OAuthError::new(ErrorCode::InvalidClientMetadata, "grant_types has a value that is not known"))
        }
    }
}

/// A client as every service shows it.
pub fn client_message(workspace: &WorkspaceName, client: &Client) -> v1::Client {
    v1::Client {
        client_id: client.id.to_string(),
        workspace: workspace.to_string(),
        metadata: Some(metadata_message(client)),
        secrets: client
            .secrets
            .iter()
            .map(|secret| v1::ClientSecretInfo {
                secret_id: secret.id.clone(),
                created_at: secret.created_at.0,
                expires_at: secret.expires_at.map_or(0, |end| end.0),
            })
            .collect(),
        disabled: client.disabled,
        permissions: client.permissions.iter().map(|&permission| permission_message(permission).into()).collect(),
        created_at: client.created_at.0,
        revision: client.revision,
        policies: client.policies.iter().map(policy_message).collect(),
        owner: client.owner.as_ref().map(|owner| owner.as_str().to_owned()).unwrap_or_default(),
    }
}

fn metadata_message(client: &Client) -> v1::ClientMetadata {
    let grant_type = |&grant_type: &GrantType| -> i32 {
        match grant_type {
            GrantType::AuthorizationCode => v1::GrantType::AuthorizationCode,
            GrantType::RefreshToken => v1::GrantType::RefreshToken,
            GrantType::ClientCredentials => v1::GrantType::ClientCredentials,
            // Never registered: a policy allows it.
            GrantType::Password => v1::GrantType::Unspecified,
        }
        .into()
    };
    v1::ClientMetadata {
        client_name: client.name.clone(),
        redirect_uris: client.redirect_uris.iter().map(ToString::to_string).collect(),
        grant_types: client.grant_types.iter().map(grant_type).collect(),
        token_endpoint_auth_method: match client.auth_method {
            AuthMethod::ClientSecretBasic => v1::TokenEndpointAuthMethod::ClientSecretBasic,
            AuthMethod::ClientSecretPost => v1::TokenEndpointAuthMethod::ClientSecretPost,
            AuthMethod::None => v1::TokenEndpointAuthMethod::None,
        }
        .into(),
        application_type: match client.application_type {
            ApplicationType::Web => v1::ApplicationType::Web,
            ApplicationType::Native => v1::ApplicationType::Native,
        }
        .into(),
        scope: client.scope.to_string(),
        default_scope: client.default_scope.to_string(),
        default_audience: client.default_audience.clone().unwrap_or_default(),
        lifetimes: Some(lifetimes_message(client.lifetimes)),
        client_uri: client.uri.clone().unwrap_or_default(),
        logo_uri: client.branding.logo_uri.clone().unwrap_or_default(),
        brand_color: client.branding.color.clone().unwrap_or_default(),
    }
}

/// A policy of a client as it is answered.
#[must_use]
pub fn policy_message(grant: &PolicyGrant) -> v1::ClientPolicy {
    v1::ClientPolicy {
        policy: grant.policy.as_str().to_owned(),
        reason: grant.reason.clone(),
        since: grant.since.0,
        expires_at: grant.expires_at.map_or(0, |end| end.0),
        with_wildcard_scope: grant.with_wildcard_scope,
    }
}

fn permission_message(permission: Permission) -> v1::ClientPermission {
    match permission {
        Permission::IssueCode => v1::ClientPermission::IssueCode,
        Permission::RegisterClients => v1::ClientPermission::RegisterClients,
        Permission::IntrospectAny => v1::ClientPermission::IntrospectAny,
    }
}
