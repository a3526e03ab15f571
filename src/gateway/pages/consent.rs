//! The consent page: who asks, for what, and where the answer goes.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use url::Url;

use crate::gateway::error::Refused;
use crate::gateway::pages::form::Unread;
use crate::gateway::pages::look::Look;
use crate::gateway::pages::mistake::Stop;
use crate::gateway::pages::visit::{Outcome, Visit, handle_query};
use crate::gateway::redirect::see_other;
use crate::pb::pages::v1::get_interaction_response::Next;
use crate::pb::pages::v1::{self, DecideConsentRequest, GetInteractionRequest, Person};
use crate::types::error::OAuthError;
use crate::types::secret::Secret;

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    look: &'a Look,
    base: &'a str,
    handle: &'a str,
    handle_query: &'a str,
    username: &'a str,
    website: &'a str,
    consent: &'a v1::ConsentPage,
}

/// `GET /consent`.
pub(in crate::gateway) async fn show(mut visit: Visit) -> Response {
    let outcome = ask(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /consent`.
pub(in crate::gateway) async fn decide(visit: Visit, body: Unread) -> Response {
    let outcome = decided(&visit, body).await;
    visit.finish(outcome)
}

async fn ask(visit: &mut Visit) -> Outcome {
    let handle = visit.fields()?.one("handle")?;
    visit.mark_browser()?;
    let request = GetInteractionRequest { workspace: visit.workspace.clone(), handle: handle.expose_secret().to_owned() };
    let answer = visit.services().interaction.get_interaction(visit.call(request)).await;
    match answer.map_err(Stop::from) {
        Ok(interaction) => match interaction.into_inner().next {
            Some(Next::Consent(consent)) => page(visit, &handle, &consent),
            Some(Next::RedirectUri(uri)) => Ok(see_other(&uri)?),
            Some(Next::SignIn(v1::SignInNeeded {})) => visit.to_with_handle("/login", &handle),
            None => Err(OAuthError::server_error("the service did not say what comes next").into()),
        },
        Err(Stop::SignIn) => visit.to_with_handle("/login", &handle),
        Err(stop) => Err(stop),
    }
}

fn page(visit: &Visit, handle: &Secret, consent: &v1::ConsentPage) -> Outcome {
    let look = Look::of(consent.branding.clone());
    // A link may lead to a page of the web, and nowhere else.
    let website = Url::parse(&consent.client_uri).ok().filter(|url| ["https", "http"].contains(&url.scheme()));
    let website = website.map(|url| url.as_str().to_owned()).unwrap_or_default();
    let username = consent.person.as_ref().map(|Person { username, .. }| username.as_str()).unwrap_or_default();
    let page = ConsentPage {
        look: &look,
        base: &visit.base,
        handle: handle.expose_secret(),
        handle_query: &handle_query(handle),
        username,
        website: &website,
        consent,
    };
    Ok(look.answer(StatusCode::OK, &page, &consent.form_target)?)
}

async fn decided(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let handle = fields.one("handle")?;
    let allow = match fields.text("decision")?.as_str() {
        "allow" => true,
        "deny" => false,
        _ => return Err(Refused::invalid_request("the field decision must be allow or deny").into()),
    };
    let request = DecideConsentRequest {
        workspace: visit.workspace.clone(),
        handle: handle.expose_secret().to_owned(),
        csrf_token: fields.text("csrf_token")?,
        allow,
    };
    match visit.services().interaction.decide_consent(visit.call(request)).await.map_err(Stop::from) {
        Ok(decided) => Ok(see_other(&decided.into_inner().redirect_uri)?),
        Err(Stop::SignIn) => visit.to_with_handle("/login", &handle),
        Err(stop) => Err(stop),
    }
}
