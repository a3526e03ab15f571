//! `jeton.admin.v1.WorkspaceService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::manage_workspaces::WorkspaceSettings;
use crate::engine::page::{PageRequest, cut_page};
use crate::engine::workspaces::WorkspaceEntry;
use crate::grpc::caller::caller;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::{lifetimes, lifetimes_message, policy, preset};
use crate::pb::admin::v1;
use crate::pb::admin::v1::workspace_service_server::WorkspaceService;
use crate::types::authorization::SignInMethod;
use crate::types::error::Refusal;

/// The service.
#[derive(Clone)]
pub struct WorkspaceApi {
    engine: Arc<Engine>,
    create: Observed,
    get: Observed,
    list: Observed,
    update: Observed,
    delete: Observed,
}

impl WorkspaceApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            create: Observed::method("CreateWorkspace"),
            get: Observed::method("GetWorkspace"),
            list: Observed::method("ListWorkspaces"),
            update: Observed::method("UpdateWorkspace"),
            delete: Observed::method("DeleteWorkspace"),
        }
    }
}

#[tonic::async_trait]
impl WorkspaceService for WorkspaceApi {
    async fn create_workspace(
        &self,
        request: Request<v1::CreateWorkspaceRequest>,
    ) -> Result<Response<v1::CreateWorkspaceResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let entry = engine.create_workspace(administrator, &sent.name, &settings(sent.settings)?).await?;
            Ok(v1::CreateWorkspaceResponse { workspace: Some(workspace_message(&entry)) })
        });
        self.create.run(call).await
    }

    async fn get_workspace(
        &self,
        request: Request<v1::GetWorkspaceRequest>,
    ) -> Result<Response<v1::GetWorkspaceResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let entry = self.engine.read_workspace(administrator, &sent.name)?;
            Ok(v1::GetWorkspaceResponse { workspace: Some(workspace_message(&entry)) })
        };
        self.get.run(call).await
    }

    async fn list_workspaces(
        &self,
        request: Request<v1::ListWorkspacesRequest>,
    ) -> Result<Response<v1::ListWorkspacesResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let page = PageRequest::parse(sent.page_size, &sent.page_token)?;
            let mut entries = self.engine.list_workspaces(administrator, &page);
            Ok(v1::ListWorkspacesResponse {
                next_page_token: cut_page(&mut entries, &page, |entry| entry.record.name.to_string()),
                workspaces: entries.iter().map(|entry| workspace_message(entry)).collect(),
            })
        };
        self.list.run(call).await
    }

    async fn update_workspace(
        &self,
        request: Request<v1::UpdateWorkspaceRequest>,
    ) -> Result<Response<v1::UpdateWorkspaceResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let settings = settings(sent.settings)?;
            let entry = engine.update_workspace(administrator, &sent.name, &settings, sent.revision).await?;
            Ok(v1::UpdateWorkspaceResponse { workspace: Some(workspace_message(&entry)) })
        });
        self.update.run(call).await
    }

    async fn delete_workspace(
        &self,
        request: Request<v1::DeleteWorkspaceRequest>,
    ) -> Result<Response<v1::DeleteWorkspaceResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            engine.delete_workspace(administrator, &sent.name).await?;
            Ok(v1::DeleteWorkspaceResponse {})
        });
        self.delete.run(call).await
    }
}

fn settings(sent: Option<v1::WorkspaceSettings>) -> Result<WorkspaceSettings, Refusal> {
    let sent = sent.unwrap_or_default();
    Ok(WorkspaceSettings {
        sign_in: match sent.sign_in() {
            v1::SignInMethod::Unspecified => None,
            v1::SignInMethod::Directory => Some(SignInMethod::Directory),
            v1::SignInMethod::Application => Some(SignInMethod::Application),
            v1::SignInMethod::CredentialCheck => Some(SignInMethod::CredentialCheck),
        },
        policy_ceiling: match sent.policy_ceiling {
            None => None,
            Some(ceiling) => Some(ceiling.policies.iter().map(|name| policy(name)).collect::<Result<_, _>>()?),
        },
        application_preset: match sent.application_preset.as_str() {
            "" => None,
            name => Some(preset(name)?),
        },
        logo_uri: sent.logo_uri,
        brand_color: sent.brand_color,
        self_registration_off: sent.self_registration_off,
        display_name: sent.display_name,
        login_uri: sent.login_uri,
        default_audience: sent.default_audience,
        lifetimes: lifetimes(sent.lifetimes),
        suspended: sent.suspended,
    })
}

fn sign_in_message(method: SignInMethod) -> v1::SignInMethod {
    match method {
        SignInMethod::Directory => v1::SignInMethod::Directory,
        SignInMethod::Application => v1::SignInMethod::Application,
        SignInMethod::CredentialCheck => v1::SignInMethod::CredentialCheck,
    }
}

fn workspace_message(entry: &WorkspaceEntry) -> v1::Workspace {
    let record = &entry.record;
    v1::Workspace {
        name: record.name.to_string(),
        issuer: entry.issuer.clone(),
        settings: Some(v1::WorkspaceSettings {
            display_name: record.display_name.clone(),
            login_uri: record.login_uri.clone().unwrap_or_default(),
            default_audience: record.default_audience.clone().unwrap_or_default(),
            lifetimes: Some(lifetimes_message(record.lifetimes)),
            suspended: record.suspended,
            sign_in: sign_in_message(record.sign_in).into(),
            logo_uri: record.branding.logo_uri.clone().unwrap_or_default(),
            brand_color: record.branding.color.clone().unwrap_or_default(),
            self_registration_off: !record.self_registration,
            application_preset: record.application_preset.map(|preset| preset.as_str().to_owned()).unwrap_or_default(),
            policy_ceiling: record
                .policy_ceiling
                .as_ref()
                .map(|ceiling| v1::PolicyCeiling { policies: ceiling.iter().map(|policy| policy.as_str().to_owned()).collect() }),
        }),
        created_at: record.created_at.0,
        revision: record.revision,
    }
}
