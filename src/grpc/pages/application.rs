//! `jeton.pages.v1.ApplicationService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::page::{PageRequest, cut_page};
use crate::engine::people::form::SentForm;
use crate::engine::people::session::SignedIn;
use crate::engine::people::sign_in::Visitor;
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::pages::application_message::{application, form_of};
use crate::grpc::pages::{personal_page, scopes, visitor};
use crate::grpc::parse::workspace;
use crate::pb::pages::v1;
use crate::pb::pages::v1::application_service_server::ApplicationService;
use crate::types::error::Refusal;
use crate::types::secret::Secret;

/// The service.
#[derive(Clone)]
pub struct ApplicationApi {
    engine: Arc<Engine>,
    list: Observed,
    form: Observed,
    get: Observed,
    register: Observed,
    update: Observed,
    rotate: Observed,
    delete: Observed,
    consents: Observed,
    withdraw: Observed,
}

impl ApplicationApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            list: Observed::method("ListApplications"),
            form: Observed::method("GetApplicationForm"),
            get: Observed::method("GetApplication"),
            register: Observed::method("RegisterApplication"),
            update: Observed::method("UpdateApplication"),
            rotate: Observed::method("RotateApplicationSecret"),
            delete: Observed::method("DeleteApplication"),
            consents: Observed::method("ListConsents"),
            withdraw: Observed::method("WithdrawConsent"),
        }
    }

    /// Who asks, with which browser.
    async fn who(&self, extensions: &http::Extensions, name: &str) -> Result<(Visitor, SignedIn), Refusal> {
        let visitor = visitor(extensions)?;
        let entry = self.engine.workspace(&workspace(name)?)?;
        let person = self.engine.person(&entry, &visitor).await?;
        Ok((visitor, person))
    }
}

#[tonic::async_trait]
impl ApplicationService for ApplicationApi {
    async fn list_applications(
        &self,
        request: Request<v1::ListApplicationsRequest>,
    ) -> Result<Response<v1::ListApplicationsResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let (visitor, person) = self.who(&extensions, &sent.workspace).await?;
            let page = PageRequest::parse(0, &sent.page_token)?;
            let mut clients = self.engine.applications(&person, &page).await?;
            Ok(v1::ListApplicationsResponse {
                next_page_token: cut_page(&mut clients, &page, |client| client.id.to_string()),
                applications: clients.iter().map(|client| application(person.workspace(), client)).collect(),
                may_register: self.engine.may_register(&person).await?,
                page: Some(personal_page(&self.engine, &person, &visitor)),
            })
        };
        self.list.run(call).await
    }

    async fn get_application_form(
        &self,
        request: Request<v1::GetApplicationFormRequest>,
    ) -> Result<Response<v1::GetApplicationFormResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let (visitor, person) = self.who(&extensions, &sent.workspace).await?;
            let offer = self.engine.offer(&person).await?;
            Ok(v1::GetApplicationFormResponse {
                page: Some(personal_page(&self.engine, &person, &visitor)),
                scopes: scopes(offer.scopes),
                code_page: offer.code_page,
            })
        };
        self.form.run(call).await
    }

    async fn get_application(
        &self,
        request: Request<v1::GetApplicationRequest>,
    ) -> Result<Response<v1::GetApplicationResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let (visitor, person) = self.who(&extensions, &sent.workspace).await?;
            let client = self.engine.application(&person, &sent.client_id).await?;
            let offer = self.engine.offer_for(&person, &client).await?;
            Ok(v1::GetApplicationResponse {
                page: Some(personal_page(&self.engine, &person, &visitor)),
                application: Some(application(person.workspace(), &client)),
                scopes: scopes(offer.scopes),
                code_page: offer.code_page,
            })
        };
        self.get.run(call).await
    }

    async fn register_application(
        &self,
        request: Request<v1::RegisterApplicationRequest>,
    ) -> Result<Response<v1::RegisterApplicationResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let (visitor, form) = sent_form(&engine, &extensions, &sent.workspace, &sent.csrf_token).await?;
            let made = engine.register_application(&form, form_of(sent.form)?).await?;
            Ok(v1::RegisterApplicationResponse {
                page: Some(personal_page(&engine, form.person(), &visitor)),
                application: Some(application(form.person().workspace(), &made.client)),
                client_secret: made.secret.map(Secret::expose_secret_owned).unwrap_or_default(),
            })
        });
        self.register.run(call).await
    }

    async fn update_application(
        &self,
        request: Request<v1::UpdateApplicationRequest>,
    ) -> Result<Response<v1::UpdateApplicationResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let (_, form) = sent_form(&engine, &extensions, &sent.workspace, &sent.csrf_token).await?;
            let client = engine.update_application(&form, &sent.client_id, form_of(sent.form)?, sent.revision).await?;
            Ok(v1::UpdateApplicationResponse { application: Some(application(form.person().workspace(), &client)) })
        });
        self.update.run(call).await
    }

    async fn rotate_application_secret(
        &self,
        request: Request<v1::RotateApplicationSecretRequest>,
    ) -> Result<Response<v1::RotateApplicationSecretResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let (visitor, form) = sent_form(&engine, &extensions, &sent.workspace, &sent.csrf_token).await?;
            let made = engine.rotate_application_secret(&form, &sent.client_id, sent.overlap_seconds).await?;
            Ok(v1::RotateApplicationSecretResponse {
                page: Some(personal_page(&engine, form.person(), &visitor)),
                application: Some(application(form.person().workspace(), &made.client)),
                client_secret: made.secret.map(Secret::expose_secret_owned).unwrap_or_default(),
            })
        });
        self.rotate.run(call).await
    }

    async fn delete_application(
        &self,
        request: Request<v1::DeleteApplicationRequest>,
    ) -> Result<Response<v1::DeleteApplicationResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let (_, form) = sent_form(&engine, &extensions, &sent.workspace, &sent.csrf_token).await?;
            engine.delete_application(&form, &sent.client_id).await?;
            Ok(v1::DeleteApplicationResponse {})
        });
        self.delete.run(call).await
    }

    async fn list_consents(
        &self,
        request: Request<v1::ListConsentsRequest>,
    ) -> Result<Response<v1::ListConsentsResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let (visitor, person) = self.who(&extensions, &sent.workspace).await?;
            let mut consents = Vec::new();
            for (granted, words) in self.engine.consents_in_words(&person).await? {
                consents.push(v1::GrantedConsent {
                    client_id: granted.client.id.to_string(),
                    client_name: granted.client.name.clone(),
                    scopes: scopes(words),
                    granted_at: granted.consent.granted_at.0,
                });
            }
            Ok(v1::ListConsentsResponse { page: Some(personal_page(&self.engine, &person, &visitor)), consents })
        };
        self.consents.run(call).await
    }

    async fn withdraw_consent(
        &self,
        request: Request<v1::WithdrawConsentRequest>,
    ) -> Result<Response<v1::WithdrawConsentResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let (_, form) = sent_form(&engine, &extensions, &sent.workspace, &sent.csrf_token).await?;
            engine.withdraw_consent(&form, &sent.client_id).await?;
            Ok(v1::WithdrawConsentResponse {})
        });
        self.withdraw.run(call).await
    }
}

/// Who sent a form, and with which browser.
async fn sent_form(
    engine: &Engine,
    extensions: &http::Extensions,
    name: &str,
    csrf: &str,
) -> Result<(Visitor, SentForm), Refusal> {
    let visitor = visitor(extensions)?;
    let entry = engine.workspace(&workspace(name)?)?;
    let form = engine.sent_form(&entry, &visitor, csrf).await?;
    Ok((visitor, form))
}
