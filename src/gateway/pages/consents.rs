//! What a person allowed applications to do, and taking it back.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::gateway::pages::form::Unread;
use crate::gateway::pages::look::{Look, Section};
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::pages::words;
use crate::pb::pages::v1::{GrantedConsent, ListConsentsRequest, WithdrawConsentRequest};

#[derive(Template)]
#[template(path = "consents.html")]
struct ConsentsPage<'a> {
    look: &'a Look,
    base: &'a str,
    csrf_token: &'a str,
    consents: &'a [Row],
}

struct Row {
    consent: GrantedConsent,
    granted_on: String,
}

/// `GET /oauth2/consents`.
pub(in crate::gateway) async fn list(mut visit: Visit) -> Response {
    let outcome = page(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /oauth2/consents/{client_id}/withdraw`.
pub(in crate::gateway) async fn withdraw(visit: Visit, body: Unread) -> Response {
    let outcome = withdrawn(&visit, body).await;
    visit.finish(outcome)
}

async fn page(visit: &mut Visit) -> Outcome {
    visit.mark_browser()?;
    let request = ListConsentsRequest { workspace: visit.workspace.clone() };
    let listed = visit.services().application.list_consents(visit.call(request)).await?.into_inner();
    let (look, csrf_token) = Look::personal(listed.page, &visit.base, Section::Access);
    let row = |consent: GrantedConsent| Row { granted_on: words::day(consent.granted_at), consent };
    let consents: Vec<Row> = listed.consents.into_iter().map(row).collect();
    let page = ConsentsPage { look: &look, base: &visit.base, csrf_token: &csrf_token, consents: &consents };
    Ok(look.answer(StatusCode::OK, &page, "")?)
}

async fn withdrawn(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let request = WithdrawConsentRequest {
        workspace: visit.workspace.clone(),
        csrf_token: fields.text("csrf_token")?,
        client_id: visit.client_id.clone(),
    };
    visit.services().application.withdraw_consent(visit.call(request)).await?;
    visit.to("/oauth2/consents")
}
