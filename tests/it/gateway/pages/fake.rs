//! The services behind the pages: they record what they were sent, and answer samples.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use jeton::grpc::facts::GatewayFacts;
use jeton::pb::pages::v1::application_service_server::ApplicationService;
use jeton::pb::pages::v1::get_interaction_response::Next;
use jeton::pb::pages::v1::interaction_service_server::InteractionService;
use jeton::pb::pages::v1::*;
use tonic::{Request, Response, Status, async_trait};

/// What a service was sent, as far as a test asks.
#[derive(Clone)]
pub enum Sent {
    Handle(String),
    SignIn(SignInRequest),
    Decide(DecideConsentRequest),
    SignOut(SignOutRequest),
    List(ListApplicationsRequest),
    Client(String),
    Register(RegisterApplicationRequest),
    Update(UpdateApplicationRequest),
    Rotate(RotateApplicationSecretRequest),
    Delete(DeleteApplicationRequest),
    Withdraw(WithdrawConsentRequest),
    Nothing,
}

/// One call.
pub struct Call {
    pub method: &'static str,
    pub workspace: String,
    pub browser: Option<String>,
    pub session: Option<String>,
    pub address: Option<IpAddr>,
    pub sent: Sent,
}

/// The services behind the pages.
#[derive(Default)]
pub struct Pages {
    pub calls: Mutex<Vec<Call>>,
    /// Stands in every text of every answer, when it is set.
    pub hostile: Mutex<Option<String>>,
    pub branding: Mutex<Branding>,
    pub form_target: Mutex<String>,
    pub next: Mutex<Option<Next>>,
    pub session: Mutex<String>,
    pub nobody: Mutex<bool>,
    pub empty: Mutex<bool>,
    /// The method that never answers, and the one that panics.
    pub hangs: Mutex<&'static str>,
    pub panics: Mutex<&'static str>,
    refusals: Mutex<HashMap<&'static str, Status>>,
}

impl Pages {
    /// From now on the method refuses.
    pub fn refuse(&self, method: &'static str, status: Status) {
        self.refusals.lock().unwrap().insert(method, status);
    }

    /// The names of the methods that were called.
    pub fn methods(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().iter().map(|call| call.method).collect()
    }

    /// The last call.
    pub fn last(&self) -> Call {
        self.calls.lock().unwrap().pop().expect("a call")
    }

    fn record<T>(&self, method: &'static str, request: &Request<T>, workspace: &str, sent: Sent) -> Result<(), Status> {
        let facts = request.extensions().get::<GatewayFacts>().expect("the gateway sends its facts");
        let text = |secret: &jeton::types::secret::Secret| secret.expose_secret().to_owned();
        self.calls.lock().unwrap().push(Call {
            method,
            workspace: workspace.to_owned(),
            browser: facts.browser.as_ref().map(text),
            session: facts.session.as_ref().map(text),
            address: facts.address,
            sent,
        });
        self.refusals.lock().unwrap().get(method).cloned().map_or(Ok(()), Err)
    }

    fn text(&self, usual: &str) -> String {
        self.hostile.lock().unwrap().clone().unwrap_or_else(|| usual.to_owned())
    }

    fn branding(&self) -> Option<Branding> {
        let set = self.branding.lock().unwrap().clone();
        let name = if set.name.is_empty() { "Acme ID".to_owned() } else { set.name };
        Some(Branding { name: self.text(&name), logo_uri: self.text(&set.logo_uri), color: self.text(&set.color) })
    }

    fn person(&self) -> Option<Person> {
        let person = Person { subject: self.text("s1"), username: self.text("alice"), administrator: false };
        (!*self.nobody.lock().unwrap()).then_some(person)
    }

    fn scopes(&self) -> Vec<ScopeDescription> {
        let scope = |name, description| ScopeDescription { name: self.text(name), description: self.text(description) };
        vec![
            scope("read:analysis", "See your analyses and their results"),
            scope("write:project", "Change your projects"),
            scope("offline", ""),
        ]
    }

    fn personal(&self) -> Option<PersonalPage> {
        Some(PersonalPage { branding: self.branding(), person: self.person(), csrf_token: self.text("csrf-1") })
    }

    fn application(&self) -> Application {
        let form = ApplicationForm {
            name: self.text("Reports"),
            redirect_uris: vec![self.text("https://reports.example/cb"), "https://id.example/authorized".into()],
            scopes: vec![self.text("read:analysis")],
            native: true,
        };
        Application {
            client_id: "app-1".into(),
            form: Some(form),
            owner: self.text("alice"),
            created_at: 1_795_275_845,
            secrets: vec![
                ApplicationSecret { created_at: 1_795_275_845, expires_at: 1_795_362_245 },
                ApplicationSecret { created_at: 1_795_275_900, expires_at: 0 },
            ],
            consent_url: self.text("https://id.example/oauth2/authorize?response_type=code&client_id=app-1"),
            disabled: false,
            revision: 7,
        }
    }
}

#[async_trait]
impl InteractionService for Pages {
    async fn get_interaction(&self, request: Request<GetInteractionRequest>) -> Result<Response<GetInteractionResponse>, Status> {
        let message = request.get_ref();
        self.record("get_interaction", &request, &message.workspace, Sent::Handle(message.handle.clone()))?;
        let consent = ConsentPage {
            branding: self.branding(),
            person: self.person(),
            client_id: self.text("app-1"),
            client_name: self.text("Reports"),
            client_uri: self.text("https://reports.example/"),
            scopes: self.scopes(),
            redirect_host: self.text("reports.example"),
            form_target: self.form_target.lock().unwrap().clone(),
            shows_code: false,
            csrf_token: self.text("csrf-1"),
        };
        let next = self.next.lock().unwrap().clone().unwrap_or(Next::Consent(consent));
        Ok(Response::new(GetInteractionResponse { next: Some(next) }))
    }

    async fn get_sign_in(&self, request: Request<GetSignInRequest>) -> Result<Response<GetSignInResponse>, Status> {
        let message = request.get_ref();
        self.record("get_sign_in", &request, &message.workspace, Sent::Handle(message.handle.clone()))?;
        let client_name = if message.handle.is_empty() { String::new() } else { self.text("Reports") };
        let form_target = self.form_target.lock().unwrap().clone();
        Ok(Response::new(GetSignInResponse {
            branding: self.branding(),
            client_name,
            form_target,
            csrf_token: self.text("csrf-1"),
        }))
    }

    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let message = request.get_ref();
        self.record("sign_in", &request, &message.workspace, Sent::SignIn(message.clone()))?;
        let set = self.session.lock().unwrap().clone();
        Ok(Response::new(SignInResponse { session: if set.is_empty() { "session-2".into() } else { set } }))
    }

    async fn decide_consent(&self, request: Request<DecideConsentRequest>) -> Result<Response<DecideConsentResponse>, Status> {
        let message = request.get_ref();
        self.record("decide_consent", &request, &message.workspace, Sent::Decide(message.clone()))?;
        Ok(Response::new(DecideConsentResponse { redirect_uri: "https://reports.example/cb?code=the-code&state=s".into() }))
    }

    async fn get_code(&self, request: Request<GetCodeRequest>) -> Result<Response<GetCodeResponse>, Status> {
        let message = request.get_ref();
        self.record("get_code", &request, &message.workspace, Sent::Handle(message.handle.clone()))?;
        Ok(Response::new(GetCodeResponse {
            branding: self.branding(),
            code: self.text("jc_0kX3vYq1u9TzWm5Rb7Nf2LhGd8PsAeJc4QoViKxUyZ6MtB1wEnSrHpDgFaCl"),
            client_name: self.text("Reports"),
            scopes: self.scopes(),
            expires_in: 300,
        }))
    }

    async fn get_sign_out(&self, request: Request<GetSignOutRequest>) -> Result<Response<GetSignOutResponse>, Status> {
        self.record("get_sign_out", &request, &request.get_ref().workspace, Sent::Nothing)?;
        assert_ne!(*self.panics.lock().unwrap(), "get_sign_out", "canary-panic");
        if *self.hangs.lock().unwrap() == "get_sign_out" {
            std::future::pending::<()>().await;
        }
        let answer = GetSignOutResponse { branding: self.branding(), person: self.person(), csrf_token: self.text("csrf-1") };
        Ok(Response::new(answer))
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        let message = request.get_ref();
        self.record("sign_out", &request, &message.workspace, Sent::SignOut(message.clone()))?;
        Ok(Response::new(SignOutResponse {}))
    }
}

#[async_trait]
impl ApplicationService for Pages {
    async fn list_applications(
        &self,
        request: Request<ListApplicationsRequest>,
    ) -> Result<Response<ListApplicationsResponse>, Status> {
        let message = request.get_ref();
        self.record("list_applications", &request, &message.workspace, Sent::List(message.clone()))?;
        let full = !*self.empty.lock().unwrap();
        Ok(Response::new(ListApplicationsResponse {
            page: self.personal(),
            applications: if full {
                vec![self.application(), Application { disabled: true, ..self.application() }]
            } else {
                vec![]
            },
            next_page_token: if full { self.text("next&page") } else { String::new() },
            may_register: true,
        }))
    }

    async fn get_application_form(
        &self,
        request: Request<GetApplicationFormRequest>,
    ) -> Result<Response<GetApplicationFormResponse>, Status> {
        self.record("get_application_form", &request, &request.get_ref().workspace, Sent::Nothing)?;
        let code_page = self.text("https://id.example/authorized");
        Ok(Response::new(GetApplicationFormResponse { page: self.personal(), scopes: self.scopes(), code_page }))
    }

    async fn get_application(&self, request: Request<GetApplicationRequest>) -> Result<Response<GetApplicationResponse>, Status> {
        let message = request.get_ref();
        self.record("get_application", &request, &message.workspace, Sent::Client(message.client_id.clone()))?;
        Ok(Response::new(GetApplicationResponse {
            page: self.personal(),
            application: Some(self.application()),
            scopes: self.scopes(),
            code_page: self.text("https://id.example/authorized"),
        }))
    }

    async fn register_application(
        &self,
        request: Request<RegisterApplicationRequest>,
    ) -> Result<Response<RegisterApplicationResponse>, Status> {
        let message = request.get_ref();
        self.record("register_application", &request, &message.workspace, Sent::Register(message.clone()))?;
        Ok(Response::new(RegisterApplicationResponse {
            page: self.personal(),
            application: Some(self.application()),
            client_secret: self.text("the-client-secret"),
        }))
    }

    async fn update_application(
        &self,
        request: Request<UpdateApplicationRequest>,
    ) -> Result<Response<UpdateApplicationResponse>, Status> {
        let message = request.get_ref();
        self.record("update_application", &request, &message.workspace, Sent::Update(message.clone()))?;
        Ok(Response::new(UpdateApplicationResponse { application: Some(self.application()) }))
    }

    async fn rotate_application_secret(
        &self,
        request: Request<RotateApplicationSecretRequest>,
    ) -> Result<Response<RotateApplicationSecretResponse>, Status> {
        let message = request.get_ref();
        self.record("rotate_application_secret", &request, &message.workspace, Sent::Rotate(message.clone()))?;
        Ok(Response::new(RotateApplicationSecretResponse {
            page: self.personal(),
            application: Some(self.application()),
            client_secret: self.text("the-client-secret"),
        }))
    }

    async fn delete_application(
        &self,
        request: Request<DeleteApplicationRequest>,
    ) -> Result<Response<DeleteApplicationResponse>, Status> {
        let message = request.get_ref();
        self.record("delete_application", &request, &message.workspace, Sent::Delete(message.clone()))?;
        Ok(Response::new(DeleteApplicationResponse {}))
    }

    async fn list_consents(&self, request: Request<ListConsentsRequest>) -> Result<Response<ListConsentsResponse>, Status> {
        self.record("list_consents", &request, &request.get_ref().workspace, Sent::Nothing)?;
        let consent = GrantedConsent {
            client_id: "app-1".into(),
            client_name: self.text("Reports"),
            scopes: self.scopes(),
            granted_at: 1_795_275_845,
        };
        let consents = if *self.empty.lock().unwrap() { vec![] } else { vec![consent] };
        Ok(Response::new(ListConsentsResponse { page: self.personal(), consents }))
    }

    async fn withdraw_consent(
        &self,
        request: Request<WithdrawConsentRequest>,
    ) -> Result<Response<WithdrawConsentResponse>, Status> {
        let message = request.get_ref();
        self.record("withdraw_consent", &request, &message.workspace, Sent::Withdraw(message.clone()))?;
        Ok(Response::new(WithdrawConsentResponse {}))
    }
}
