//! One application: its form, its secrets, its end.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::gateway::error::Refused;
use crate::gateway::pages::application_form::{FormFields, sent};
use crate::gateway::pages::form::Unread;
use crate::gateway::pages::look::{Look, Section};
use crate::gateway::pages::mistake::Mistake;
use crate::gateway::pages::registered::rotated;
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::pages::words;
use crate::pb::pages::v1::{
    Application, ApplicationForm, ApplicationSecret, DeleteApplicationRequest, GetApplicationRequest, GetApplicationResponse,
    RotateApplicationSecretRequest, UpdateApplicationRequest,
};

#[derive(Template)]
#[template(path = "application.html")]
struct EditPage<'a> {
    look: &'a Look,
    base: &'a str,
    csrf_token: &'a str,
    /// As registered, whatever the form says.
    name: &'a str,
    application: &'a Application,
    secrets: &'a [SecretRow],
    fields: &'a FormFields,
    saved: bool,
}

struct SecretRow {
    made_on: String,
    /// Empty when it does not end.
    ends: String,
}

impl From<&ApplicationSecret> for SecretRow {
    fn from(secret: &ApplicationSecret) -> Self {
        let ends = if secret.expires_at > 0 { words::minute(secret.expires_at) } else { String::new() };
        Self { made_on: words::day(secret.created_at), ends }
    }
}

#[derive(Template)]
#[template(path = "application_delete.html")]
struct DeletePage<'a> {
    look: &'a Look,
    base: &'a str,
    csrf_token: &'a str,
    client_id: &'a str,
    name: &'a str,
}

/// How long the present secret stays valid beside a new one.
const OVERLAPS: [(&str, i64); 4] = [("now", 0), ("1h", 3600), ("1d", 86_400), ("7d", 604_800)];

/// `GET /oauth2/apps/{client_id}`.
pub(in crate::gateway) async fn show(mut visit: Visit) -> Response {
    let outcome = stored(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /oauth2/apps/{client_id}`.
pub(in crate::gateway) async fn update(visit: Visit, body: Unread) -> Response {
    let outcome = updated(&visit, body).await;
    visit.finish(outcome)
}

/// `POST /oauth2/apps/{client_id}/secret`.
pub(in crate::gateway) async fn rotate(visit: Visit, body: Unread) -> Response {
    let outcome = new_secret(&visit, body).await;
    visit.finish(outcome)
}

/// `GET /oauth2/apps/{client_id}/delete`.
pub(in crate::gateway) async fn confirm(mut visit: Visit) -> Response {
    let outcome = confirmation(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /oauth2/apps/{client_id}/delete`.
pub(in crate::gateway) async fn delete(visit: Visit, body: Unread) -> Response {
    let outcome = deleted(&visit, body).await;
    visit.finish(outcome)
}

async fn load(visit: &Visit) -> Outcome<GetApplicationResponse> {
    let request = GetApplicationRequest { workspace: visit.workspace.clone(), client_id: visit.client_id.clone() };
    Ok(visit.services().application.get_application(visit.call(request)).await?.into_inner())
}

async fn stored(visit: &mut Visit) -> Outcome {
    visit.mark_browser()?;
    page(visit, load(visit).await?, None)
}

/// The form as stored, or as it was sent and must be mended.
fn page(visit: &Visit, loaded: GetApplicationResponse, again: Option<(ApplicationForm, Mistake)>) -> Outcome {
    let (look, csrf_token) = Look::personal(loaded.page, &visit.base, Section::Applications);
    let application = loaded.application.unwrap_or_default();
    let stored = application.form.clone().unwrap_or_default();
    let name = stored.name.clone();
    let status = again.as_ref().map_or(StatusCode::OK, |(_, mistake)| mistake.status);
    let saved = again.is_none() && !visit.fields()?.one("saved")?.is_empty();
    let (form, mistake) = match again {
        Some((form, mistake)) => (form, Some(mistake)),
        None => (stored, None),
    };
    let secrets: Vec<SecretRow> = application.secrets.iter().map(SecretRow::from).collect();
    let fields = FormFields::of(form, loaded.scopes, loaded.code_page, mistake);
    let page = EditPage {
        look: &look,
        base: &visit.base,
        csrf_token: &csrf_token,
        name: &name,
        application: &application,
        secrets: &secrets,
        fields: &fields,
        saved,
    };
    Ok(look.answer(status, &page, "")?)
}

async fn updated(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let form = sent(&fields)?;
    let revision = fields.text("revision")?;
    let request = UpdateApplicationRequest {
        workspace: visit.workspace.clone(),
        csrf_token: fields.text("csrf_token")?,
        client_id: visit.client_id.clone(),
        form: Some(form.clone()),
        revision: revision.parse().map_err(|_| Refused::invalid_request("the field revision must be a number"))?,
    };
    match visit.services().application.update_application(visit.call(request)).await {
        Ok(_) => visit.to(&format!("/oauth2/apps/{}?saved=1", visit.client_id)),
        Err(status) => {
            let mistake = Mistake::of(status)?;
            page(visit, load(visit).await?, Some((form, mistake)))
        }
    }
}

async fn new_secret(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let chosen = fields.text("overlap")?;
    let Some((_, overlap_seconds)) = OVERLAPS.into_iter().find(|(name, _)| *name == chosen) else {
        return Err(Refused::invalid_request("the field overlap must be now, 1h, 1d or 7d").into());
    };
    let request = RotateApplicationSecretRequest {
        workspace: visit.workspace.clone(),
        csrf_token: fields.text("csrf_token")?,
        client_id: visit.client_id.clone(),
        overlap_seconds,
    };
    let done = visit.services().application.rotate_application_secret(visit.call(request)).await?.into_inner();
    rotated(visit, done.page, done.application.unwrap_or_default(), &done.client_secret)
}

async fn confirmation(visit: &mut Visit) -> Outcome {
    visit.mark_browser()?;
    let loaded = load(visit).await?;
    let (look, csrf_token) = Look::personal(loaded.page, &visit.base, Section::Applications);
    let application = loaded.application.unwrap_or_default();
    let name = application.form.map(|form| form.name).unwrap_or_default();
    let page =
        DeletePage { look: &look, base: &visit.base, csrf_token: &csrf_token, client_id: &application.client_id, name: &name };
    Ok(look.answer(StatusCode::OK, &page, "")?)
}

async fn deleted(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let request = DeleteApplicationRequest {
        workspace: visit.workspace.clone(),
        csrf_token: fields.text("csrf_token")?,
        client_id: visit.client_id.clone(),
    };
    visit.services().application.delete_application(visit.call(request)).await?;
    visit.to("/oauth2/apps")
}
