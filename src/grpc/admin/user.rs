//! `jeton.admin.v1.UserService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::manage_users::{NewUser, Role};
use crate::engine::page::{PageRequest, cut_page};
use crate::engine::people::consent::GrantedConsent;
use crate::grpc::caller::caller;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::parse::{optional, workspace};
use crate::pb::admin::v1;
use crate::pb::admin::v1::user_service_server::UserService;
use crate::store::user::User;
use crate::types::secret::Secret;

/// The service.
#[derive(Clone)]
pub struct UserApi {
    engine: Arc<Engine>,
    create: Observed,
    list: Observed,
    disabled: Observed,
    revoke: Observed,
    password: Observed,
    administrator: Observed,
    consents: Observed,
    withdraw: Observed,
}

impl UserApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            create: Observed::method("CreateUser"),
            list: Observed::method("ListUsers"),
            disabled: Observed::method("SetUserDisabled"),
            revoke: Observed::method("RevokeUserTokens"),
            password: Observed::method("SetUserPassword"),
            administrator: Observed::method("SetUserAdministrator"),
            consents: Observed::method("ListUserConsents"),
            withdraw: Observed::method("WithdrawUserConsent"),
        }
    }
}

#[tonic::async_trait]
impl UserService for UserApi {
    async fn create_user(&self, request: Request<v1::CreateUserRequest>) -> Result<Response<v1::CreateUserResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let v1::CreateUserRequest { workspace: name, username, password, administrator: role } = sent;
        let new = NewUser { username, password: optional(password).map(Secret::new), role: role_of(role) };
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let user = engine.create_user(administrator, &workspace(&name)?, new).await?;
            Ok(v1::CreateUserResponse { user: Some(user_message(&user)) })
        });
        self.create.run(call).await
    }

    async fn list_users(&self, request: Request<v1::ListUsersRequest>) -> Result<Response<v1::ListUsersResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let page = PageRequest::parse(sent.page_size, &sent.page_token)?;
            let mut users = self.engine.list_users(administrator, &workspace(&sent.workspace)?, &page).await?;
            Ok(v1::ListUsersResponse {
                next_page_token: cut_page(&mut users, &page, |user| user.subject.as_str().to_owned()),
                users: users.iter().filter(|user| user.in_directory).map(user_message).collect(),
            })
        };
        self.list.run(call).await
    }

    async fn set_user_disabled(
        &self,
        request: Request<v1::SetUserDisabledRequest>,
    ) -> Result<Response<v1::SetUserDisabledResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let user = engine.set_user_disabled(administrator, &name, &sent.subject, sent.disabled).await?;
            Ok(v1::SetUserDisabledResponse { user: Some(user_message(&user)) })
        });
        self.disabled.run(call).await
    }

    async fn revoke_user_tokens(
        &self,
        request: Request<v1::RevokeUserTokensRequest>,
    ) -> Result<Response<v1::RevokeUserTokensResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            engine.revoke_user_tokens(administrator, &workspace(&sent.workspace)?, &sent.subject).await?;
            Ok(v1::RevokeUserTokensResponse {})
        });
        self.revoke.run(call).await
    }

    async fn set_user_password(
        &self,
        request: Request<v1::SetUserPasswordRequest>,
    ) -> Result<Response<v1::SetUserPasswordResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let v1::SetUserPasswordRequest { workspace: name, subject, password } = sent;
        let password = Secret::new(password);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let user = engine.set_user_password(administrator, &workspace(&name)?, &subject, password).await?;
            Ok(v1::SetUserPasswordResponse { user: Some(user_message(&user)) })
        });
        self.password.run(call).await
    }

    async fn set_user_administrator(
        &self,
        request: Request<v1::SetUserAdministratorRequest>,
    ) -> Result<Response<v1::SetUserAdministratorResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let (name, role) = (workspace(&sent.workspace)?, role_of(sent.administrator));
            let user = engine.set_user_role(administrator, &name, &sent.subject, role).await?;
            Ok(v1::SetUserAdministratorResponse { user: Some(user_message(&user)) })
        });
        self.administrator.run(call).await
    }

    async fn list_user_consents(
        &self,
        request: Request<v1::ListUserConsentsRequest>,
    ) -> Result<Response<v1::ListUserConsentsResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let call = async {
            let administrator = self.engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            let granted = self.engine.list_user_consents(administrator, &name, &sent.subject).await?;
            Ok(v1::ListUserConsentsResponse { consents: granted.iter().map(consent_message).collect() })
        };
        self.consents.run(call).await
    }

    async fn withdraw_user_consent(
        &self,
        request: Request<v1::WithdrawUserConsentRequest>,
    ) -> Result<Response<v1::WithdrawUserConsentResponse>, Status> {
        let (headers, _, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let administrator = engine.administrator(&caller(&headers))?;
            let name = workspace(&sent.workspace)?;
            engine.withdraw_user_consent(administrator, &name, &sent.subject, &sent.client_id).await?;
            Ok(v1::WithdrawUserConsentResponse {})
        });
        self.withdraw.run(call).await
    }
}

fn role_of(administrator: bool) -> Role {
    if administrator { Role::Administrator } else { Role::Person }
}

fn user_message(user: &User) -> v1::User {
    v1::User {
        subject: user.subject.as_str().to_owned(),
        username: user.username.clone(),
        disabled: user.disabled,
        created_at: user.created_at.0,
        has_password: user.password.is_some(),
        administrator: user.administrator,
    }
}

fn consent_message(granted: &GrantedConsent) -> v1::Consent {
    v1::Consent {
        client_id: granted.consent.client.to_string(),
        scope: granted.consent.scope.to_string(),
        granted_at: granted.consent.granted_at.0,
    }
}
