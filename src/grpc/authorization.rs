//! `jeton.v1.AuthorizationService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::authorize::Details;
use crate::engine::authorize::decide::{Approval, Verdict};
use crate::engine::authorize::validate::RequestParameters;
use crate::grpc::caller::caller;
use crate::grpc::facts::GatewayFacts;
use crate::grpc::observe::Observed;
use crate::grpc::parse::{instant, subject, token, workspace};
use crate::pb::v1;
use crate::pb::v1::authorization_service_server::AuthorizationService;
use crate::pb::v1::decide_authorization_request::Decision;
use crate::types::client::Permission;
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::scope::Scope;

/// The service.
#[derive(Clone)]
pub struct AuthorizationApi {
    engine: Arc<Engine>,
    validate: Observed,
    get: Observed,
    decide: Observed,
    resume: Observed,
    issue_code: Observed,
}

impl AuthorizationApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            validate: Observed::method("ValidateAuthorization"),
            get: Observed::method("GetAuthorization"),
            decide: Observed::method("DecideAuthorization"),
            resume: Observed::method("ContinueAuthorization"),
            issue_code: Observed::method("IssueCode"),
        }
    }
}

#[tonic::async_trait]
impl AuthorizationService for AuthorizationApi {
    async fn validate_authorization(
        &self,
        request: Request<v1::ValidateAuthorizationRequest>,
    ) -> Result<Response<v1::ValidateAuthorizationResponse>, Status> {
        let (metadata, extensions, sent) = request.into_parts();
        let call = async {
            let workspace = workspace(&sent.workspace)?;
            // A browser's own request comes by the gateway and needs no trust: it only asks.
            let browser = match extensions.get::<GatewayFacts>() {
                Some(facts) => facts.browser.as_ref(),
                None => {
                    self.engine.trusted(&workspace, &caller(&metadata), Permission::IssueCode).await?;
                    None
                }
            };
            let parameters = RequestParameters {
                response_type: sent.response_type,
                client_id: sent.client_id,
                redirect_uri: sent.redirect_uri,
                scope: sent.scope,
                state: sent.state,
                code_challenge: sent.code_challenge,
                code_challenge_method: sent.code_challenge_method,
                prompt: sent.prompt,
                max_age: sent.max_age,
            };
            let validated = self.engine.validate_authorization(&workspace, &parameters, browser).await?;
            Ok(v1::ValidateAuthorizationResponse {
                handle: validated.handle.expose_secret().to_owned(),
                expires_in: validated.expires_in,
                details: Some(details_message(validated.details)),
                login_uri: validated.login_uri.unwrap_or_default(),
            })
        };
        self.validate.run(call).await
    }

    async fn get_authorization(
        &self,
        request: Request<v1::GetAuthorizationRequest>,
    ) -> Result<Response<v1::GetAuthorizationResponse>, Status> {
        let (metadata, _, sent) = request.into_parts();
        let call = async {
            let workspace = workspace(&sent.workspace)?;
            self.engine.trusted(&workspace, &caller(&metadata), Permission::IssueCode).await?;
            let handle = token("handle", sent.handle)?;
            let details = self.engine.authorization_details(&workspace, &handle).await?;
            Ok(v1::GetAuthorizationResponse { details: Some(details_message(details)) })
        };
        self.get.run(call).await
    }

    async fn decide_authorization(
        &self,
        request: Request<v1::DecideAuthorizationRequest>,
    ) -> Result<Response<v1::DecideAuthorizationResponse>, Status> {
        let (metadata, _, sent) = request.into_parts();
        let call = async {
            let workspace = workspace(&sent.workspace)?;
            self.engine.trusted(&workspace, &caller(&metadata), Permission::IssueCode).await?;
            let handle = token("handle", sent.handle)?;
            let verdict = verdict(sent.decision)?;
            let redirect_uri = self.engine.decide_authorization(&workspace, &handle, verdict).await?;
            Ok(v1::DecideAuthorizationResponse { redirect_uri })
        };
        self.decide.run(call).await
    }

    async fn continue_authorization(
        &self,
        request: Request<v1::ContinueAuthorizationRequest>,
    ) -> Result<Response<v1::ContinueAuthorizationResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let workspace = workspace(&sent.workspace)?;
            let Some(facts) = extensions.get::<GatewayFacts>() else {
                return Err(Refusal::PermissionDenied("only the REST gateway can make this call: it sees the browser's cookie"));
            };
            let no_cookie = "this browser has no cookie of the sign-in: start again from the application, with cookies allowed";
            let browser = facts.browser.as_ref().ok_or_else(|| OAuthError::invalid_request(no_cookie))?;
            let ticket = token("ticket", sent.ticket)?;
            let redirect_uri = self.engine.continue_authorization(&workspace, &ticket, browser).await?;
            Ok(v1::ContinueAuthorizationResponse { redirect_uri })
        };
        self.resume.run(call).await
    }

    async fn issue_code(&self, request: Request<v1::IssueCodeRequest>) -> Result<Response<v1::IssueCodeResponse>, Status> {
        let (metadata, _, sent) = request.into_parts();
        let call = async {
            let workspace = workspace(&sent.workspace)?;
            self.engine.trusted(&workspace, &caller(&metadata), Permission::IssueCode).await?;
            let approval =
                Approval { subject: subject(&sent.subject)?, scope: None, auth_time: instant("auth_time", sent.auth_time)? };
            let parameters = RequestParameters {
                response_type: "code".to_owned(),
                client_id: sent.client_id,
                redirect_uri: sent.redirect_uri,
                scope: sent.scope,
                state: String::new(),
                code_challenge: sent.code_challenge,
                code_challenge_method: sent.code_challenge_method,
                ..RequestParameters::default()
            };
            let issued = self.engine.issue_code(&workspace, &parameters, approval).await?;
            Ok(v1::IssueCodeResponse {
                code: issued.code.expose_secret().to_owned(),
                expires_in: issued.expires_in,
                iss: issued.issuer,
                scope: issued.scope.to_string(),
            })
        };
        self.issue_code.run(call).await
    }
}

fn verdict(decision: Option<Decision>) -> Result<Verdict, OAuthError> {
    match decision {
        Some(Decision::Approve(approval)) => Ok(Verdict::Approve(Approval {
            subject: subject(&approval.subject)?,
            scope: match approval.scope.as_str() {
                "" => None,
                text => Some(Scope::parse(text).map_err(|error| OAuthError::invalid_scope(error.to_string()))?),
            },
            auth_time: instant("auth_time", approval.auth_time)?,
        })),
        Some(Decision::Deny(denial)) => Ok(Verdict::Deny(match denial.reason() {
            v1::DenialReason::Unspecified | v1::DenialReason::AccessDenied => ErrorCode::AccessDenied,
            v1::DenialReason::LoginRequired => ErrorCode::LoginRequired,
            v1::DenialReason::ConsentRequired => ErrorCode::ConsentRequired,
            v1::DenialReason::InteractionRequired => ErrorCode::InteractionRequired,
        })),
        None => Err(OAuthError::invalid_request("decision is missing: approve or deny")),
    }
}

fn details_message(details: Details) -> v1::AuthorizationDetails {
    v1::AuthorizationDetails {
        client_id: details.client_id,
        client_name: details.client_name,
        client_uri: details.client_uri.unwrap_or_default(),
        redirect_uri: details.redirect_uri,
        scope: details.scope.to_string(),
        expires_at: details.expires_at.0,
        prompt: details.prompt.iter().map(|prompt| prompt.as_str()).collect::<Vec<_>>().join(" "),
        max_age: details.max_age,
    }
}
