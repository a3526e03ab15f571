//! A browser as the gateway sees it, and the services that the gateway calls.

use std::sync::Arc;

use jeton::grpc::authorization::AuthorizationApi;
use jeton::grpc::facts::GatewayFacts;
use jeton::grpc::pages::application::ApplicationApi;
use jeton::grpc::pages::interaction::InteractionApi;
use jeton::pb::admin::v1::scope_service_client::ScopeServiceClient;
use jeton::pb::admin::v1::{CreateUserRequest, Scope, SetScopeRequest};
use jeton::pb::pages::v1::application_service_server::ApplicationService;
use jeton::pb::pages::v1::get_interaction_response::Next;
use jeton::pb::pages::v1::interaction_service_server::InteractionService;
use jeton::pb::pages::v1::{
    ConsentPage, DecideConsentRequest, GetInteractionRequest, GetSignInRequest, ListConsentsRequest, SignInRequest,
    WithdrawConsentRequest,
};
use jeton::pb::v1::ValidateAuthorizationRequest;
use jeton::pb::v1::authorization_service_server::AuthorizationService;
use jeton::types::secret::Secret;
use tonic::{Request, Status};

use crate::support::clients::Party;
use crate::support::server::Server;
use crate::support::web::request_parameters;

pub const PASSWORD: &str = "correct horse battery staple";

/// A browser with its cookies.
pub struct Visitor<'a> {
    pub server: &'a Server,
    pub workspace: String,
    pub browser: String,
    pub session: Option<String>,
}

impl<'a> Visitor<'a> {
    /// A browser of its own; nobody is signed in.
    pub fn new(server: &'a Server, browser: char) -> Self {
        Self { server, workspace: String::new(), browser: browser.to_string().repeat(43), session: None }
    }

    /// A browser in which a person has just signed in.
    pub async fn of(server: &'a Server, browser: char, username: &str) -> Self {
        let mut visitor = Self::new(server, browser);
        visitor.sign_in(username).await.unwrap();
        visitor
    }

    /// A message with what the gateway knows.
    pub fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(GatewayFacts {
            browser: Some(Secret::new(self.browser.clone())),
            session: self.session.clone().map(Secret::new),
            ..GatewayFacts::default()
        });
        request
    }

    pub fn interactions(&self) -> InteractionApi {
        InteractionApi::new(Arc::clone(self.server.engine()))
    }

    pub fn applications(&self) -> ApplicationApi {
        ApplicationApi::new(Arc::clone(self.server.engine()))
    }

    /// The token of the forms that sign this browser in and out.
    pub async fn csrf_token(&self) -> String {
        let request = GetSignInRequest { workspace: self.workspace.clone(), handle: String::new() };
        self.interactions().get_sign_in(self.ask(request)).await.unwrap().into_inner().csrf_token
    }

    /// The token of the forms of the person who is signed in; without one, a token of no use.
    pub async fn personal_csrf_token(&self) -> String {
        let request = ListConsentsRequest { workspace: self.workspace.clone() };
        match self.applications().list_consents(self.ask(request)).await {
            Ok(listed) => listed.into_inner().page.unwrap().csrf_token,
            Err(_) => self.csrf_token().await,
        }
    }

    pub async fn sign_in(&mut self, username: &str) -> Result<(), Status> {
        let request = SignInRequest {
            workspace: self.workspace.clone(),
            handle: String::new(),
            csrf_token: self.csrf_token().await,
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
        };
        self.session = Some(self.interactions().sign_in(self.ask(request)).await?.into_inner().session);
        Ok(())
    }

    /// Begins a good authorization request with changes, and answers its handle.
    pub async fn begin(&self, client: &Party, changes: &[(&str, &str)]) -> String {
        let parameters = request_parameters(client, changes);
        let value =
            |name: &str| parameters.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.clone()).unwrap_or_default();
        let request = ValidateAuthorizationRequest {
            workspace: client.workspace.clone(),
            response_type: value("response_type"),
            client_id: value("client_id"),
            redirect_uri: value("redirect_uri"),
            scope: value("scope"),
            state: value("state"),
            code_challenge: value("code_challenge"),
            code_challenge_method: value("code_challenge_method"),
            prompt: value("prompt"),
            max_age: value("max_age").parse().ok(),
        };
        let service = AuthorizationApi::new(Arc::clone(self.server.engine()));
        service.validate_authorization(self.ask(request)).await.unwrap().into_inner().handle
    }

    /// What comes next of a request.
    pub async fn next(&self, handle: &str) -> Result<Next, Status> {
        let request = GetInteractionRequest { workspace: self.workspace.clone(), handle: handle.to_owned() };
        Ok(self.interactions().get_interaction(self.ask(request)).await?.into_inner().next.unwrap())
    }

    /// The consent page, which must come next.
    pub async fn consent_page(&self, handle: &str) -> ConsentPage {
        match self.next(handle).await.unwrap() {
            Next::Consent(page) => page,
            other => panic!("{}", name(&other)),
        }
    }

    /// The end of a request, which must come next.
    pub async fn redirected(&self, handle: &str) -> String {
        match self.next(handle).await.unwrap() {
            Next::RedirectUri(uri) => uri,
            other => panic!("{}", name(&other)),
        }
    }

    /// Sends the form of the consent page.
    pub async fn decide(&self, handle: &str, allow: bool) -> Result<String, Status> {
        let csrf_token = self.personal_csrf_token().await;
        self.decide_with(handle, allow, &csrf_token).await
    }

    pub async fn decide_with(&self, handle: &str, allow: bool, csrf_token: &str) -> Result<String, Status> {
        let request = DecideConsentRequest {
            workspace: self.workspace.clone(),
            handle: handle.to_owned(),
            csrf_token: csrf_token.to_owned(),
            allow,
        };
        Ok(self.interactions().decide_consent(self.ask(request)).await?.into_inner().redirect_uri)
    }

    /// Withdraws what the person allowed a client.
    pub async fn withdraw(&self, client_id: &str) -> Result<(), Status> {
        let csrf_token = self.personal_csrf_token().await;
        let request = WithdrawConsentRequest { workspace: self.workspace.clone(), csrf_token, client_id: client_id.to_owned() };
        self.applications().withdraw_consent(self.ask(request)).await.map(|_| ())
    }
}

/// What came, by its name.
pub fn name(next: &Next) -> &'static str {
    match next {
        Next::SignIn(_) => "sign-in",
        Next::Consent(_) => "consent",
        Next::RedirectUri(_) => "redirect",
    }
}

impl Server {
    /// A person who can sign in.
    pub async fn enroll(&self, username: &str, administrator: bool) {
        let request = CreateUserRequest {
            workspace: String::new(),
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            administrator,
        };
        self.users().create_user(self.as_admin(request)).await.unwrap();
    }

    /// `jeton.admin.v1.ScopeService`.
    pub fn scopes(&self) -> ScopeServiceClient<tonic::transport::Channel> {
        ScopeServiceClient::new(self.admin())
    }

    /// Describes a scope.
    pub async fn describe(&self, name: &str, description: &str, restricted: bool) {
        let scope = Some(Scope { name: name.to_owned(), description: description.to_owned(), restricted });
        let request = SetScopeRequest { workspace: String::new(), scope };
        self.scopes().set_scope(self.as_admin(request)).await.unwrap();
    }
}
