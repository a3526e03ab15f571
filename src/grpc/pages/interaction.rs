//! `jeton.pages.v1.InteractionService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::engine::people::branding_of::branding_of;
use crate::engine::people::interaction::{Answer, ConsentPage, Interaction};
use crate::engine::people::sign_in::{Credentials, Visitor};
use crate::grpc::finish::to_its_end;
use crate::grpc::observe::Observed;
use crate::grpc::pages::{branding, csrf_token, person, personal_csrf_token, scopes, visitor};
use crate::grpc::parse::workspace;
use crate::pb::pages::v1;
use crate::pb::pages::v1::get_interaction_response::Next;
use crate::pb::pages::v1::interaction_service_server::InteractionService;
use crate::types::secret::Secret;

/// The service.
#[derive(Clone)]
pub struct InteractionApi {
    engine: Arc<Engine>,
    interaction: Observed,
    sign_in_page: Observed,
    sign_in: Observed,
    decide: Observed,
    code: Observed,
    sign_out_page: Observed,
    sign_out: Observed,
}

impl InteractionApi {
    /// The service of an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            interaction: Observed::method("GetInteraction"),
            sign_in_page: Observed::method("GetSignIn"),
            sign_in: Observed::method("SignIn"),
            decide: Observed::method("DecideConsent"),
            code: Observed::method("GetCode"),
            sign_out_page: Observed::method("GetSignOut"),
            sign_out: Observed::method("SignOut"),
        }
    }
}

#[tonic::async_trait]
impl InteractionService for InteractionApi {
    async fn get_interaction(
        &self,
        request: Request<v1::GetInteractionRequest>,
    ) -> Result<Response<v1::GetInteractionResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        // A remembered consent, and prompt=none, decide the request.
        let call = to_its_end(async move {
            let visitor = visitor(&extensions)?;
            let next = engine.interaction(&workspace(&sent.workspace)?, &visitor, &Secret::new(sent.handle)).await?;
            let next = match next {
                Interaction::SignIn => Next::SignIn(v1::SignInNeeded {}),
                Interaction::Consent(page) => Next::Consent(consent_page(&engine, *page, &visitor)),
                Interaction::Redirect(uri) => Next::RedirectUri(uri),
            };
            Ok(v1::GetInteractionResponse { next: Some(next) })
        });
        self.interaction.run(call).await
    }

    async fn get_sign_in(&self, request: Request<v1::GetSignInRequest>) -> Result<Response<v1::GetSignInResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let visitor = visitor(&extensions)?;
            let name = workspace(&sent.workspace)?;
            let handle = Some(Secret::new(sent.handle)).filter(|handle| !handle.is_empty());
            let page = self.engine.sign_in_page(&name, &visitor, handle.as_ref()).await?;
            Ok(v1::GetSignInResponse {
                branding: Some(branding(page.branding)),
                client_name: page.client_name,
                form_target: page.form_target,
                csrf_token: csrf_token(&self.engine, self.engine.workspace(&name)?.record.id, &visitor),
            })
        };
        self.sign_in_page.run(call).await
    }

    async fn sign_in(&self, request: Request<v1::SignInRequest>) -> Result<Response<v1::SignInResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let visitor = visitor(&extensions)?;
            let entry = engine.workspace(&workspace(&sent.workspace)?)?;
            let credentials = Credentials { username: sent.username, password: Secret::new(sent.password) };
            let session = engine.sign_in(&entry, &visitor, &sent.csrf_token, &credentials).await?;
            Ok(v1::SignInResponse { session: session.expose_secret_owned() })
        });
        self.sign_in.run(call).await
    }

    async fn decide_consent(
        &self,
        request: Request<v1::DecideConsentRequest>,
    ) -> Result<Response<v1::DecideConsentResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let visitor = visitor(&extensions)?;
            let answer = if sent.allow { Answer::Allow } else { Answer::Deny };
            let (name, handle) = (workspace(&sent.workspace)?, Secret::new(sent.handle));
            let redirect_uri = engine.decide_consent(&name, &visitor, &sent.csrf_token, &handle, answer).await?;
            Ok(v1::DecideConsentResponse { redirect_uri })
        });
        self.decide.run(call).await
    }

    async fn get_code(&self, request: Request<v1::GetCodeRequest>) -> Result<Response<v1::GetCodeResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let visitor = visitor(&extensions)?;
            let name = workspace(&sent.workspace)?;
            let page = self.engine.code_page(&name, &visitor, &Secret::new(sent.handle)).await?;
            Ok(v1::GetCodeResponse {
                branding: Some(branding(page.branding)),
                code: page.code.expose_secret_owned(),
                client_name: page.client_name,
                scopes: scopes(page.scopes),
                expires_in: page.expires_in,
            })
        };
        self.code.run(call).await
    }

    async fn get_sign_out(&self, request: Request<v1::GetSignOutRequest>) -> Result<Response<v1::GetSignOutResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let call = async {
            let visitor = visitor(&extensions)?;
            let entry = self.engine.workspace(&workspace(&sent.workspace)?)?;
            let signed_in = self.engine.signed_in(&entry, visitor.session.as_ref()).await?;
            Ok(v1::GetSignOutResponse {
                branding: Some(branding(branding_of(&entry, None))),
                person: signed_in.as_ref().map(person),
                csrf_token: csrf_token(&self.engine, entry.record.id, &visitor),
            })
        };
        self.sign_out_page.run(call).await
    }

    async fn sign_out(&self, request: Request<v1::SignOutRequest>) -> Result<Response<v1::SignOutResponse>, Status> {
        let (_, extensions, sent) = request.into_parts();
        let engine = Arc::clone(&self.engine);
        let call = to_its_end(async move {
            let visitor = visitor(&extensions)?;
            let entry = engine.workspace(&workspace(&sent.workspace)?)?;
            engine.sign_out(&entry, &visitor, &sent.csrf_token).await?;
            Ok(v1::SignOutResponse {})
        });
        self.sign_out.run(call).await
    }
}

fn consent_page(engine: &Engine, page: ConsentPage, visitor: &Visitor) -> v1::ConsentPage {
    v1::ConsentPage {
        branding: Some(branding(page.branding)),
        csrf_token: personal_csrf_token(engine, &page.person, visitor),
        person: Some(person(&page.person)),
        client_id: page.client.id.to_string(),
        client_name: page.client.name.clone(),
        client_uri: page.client.uri.clone().unwrap_or_default(),
        scopes: scopes(page.scopes),
        redirect_host: page.redirect_host,
        form_target: page.form_target,
        shows_code: page.shows_code,
    }
}
