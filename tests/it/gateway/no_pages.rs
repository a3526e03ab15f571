//! Services of pages that no test of the gateway's endpoints asks for.

use jeton::pb::pages::v1::application_service_server::ApplicationService;
use jeton::pb::pages::v1::interaction_service_server::InteractionService;
use jeton::pb::pages::v1::*;
use tonic::{Request, Response, Status, async_trait};

/// Answers nothing.
pub struct NoPages;

#[async_trait]
impl InteractionService for NoPages {
    async fn get_interaction(&self, _: Request<GetInteractionRequest>) -> Result<Response<GetInteractionResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn get_sign_in(&self, _: Request<GetSignInRequest>) -> Result<Response<GetSignInResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn sign_in(&self, _: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn decide_consent(&self, _: Request<DecideConsentRequest>) -> Result<Response<DecideConsentResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn get_code(&self, _: Request<GetCodeRequest>) -> Result<Response<GetCodeResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn get_sign_out(&self, _: Request<GetSignOutRequest>) -> Result<Response<GetSignOutResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn sign_out(&self, _: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        panic!("the gateway does not call this")
    }
}

#[async_trait]
impl ApplicationService for NoPages {
    async fn list_applications(&self, _: Request<ListApplicationsRequest>) -> Result<Response<ListApplicationsResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn get_application_form(
        &self,
        _: Request<GetApplicationFormRequest>,
    ) -> Result<Response<GetApplicationFormResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn get_application(&self, _: Request<GetApplicationRequest>) -> Result<Response<GetApplicationResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn register_application(
        &self,
        _: Request<RegisterApplicationRequest>,
    ) -> Result<Response<RegisterApplicationResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn update_application(
        &self,
        _: Request<UpdateApplicationRequest>,
    ) -> Result<Response<UpdateApplicationResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn rotate_application_secret(
        &self,
        _: Request<RotateApplicationSecretRequest>,
    ) -> Result<Response<RotateApplicationSecretResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn delete_application(
        &self,
        _: Request<DeleteApplicationRequest>,
    ) -> Result<Response<DeleteApplicationResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn list_consents(&self, _: Request<ListConsentsRequest>) -> Result<Response<ListConsentsResponse>, Status> {
        panic!("the gateway does not call this")
    }

    async fn withdraw_consent(&self, _: Request<WithdrawConsentRequest>) -> Result<Response<WithdrawConsentResponse>, Status> {
        panic!("the gateway does not call this")
    }
}
