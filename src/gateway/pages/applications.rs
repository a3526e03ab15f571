//! A person's applications: the list, and registering one.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::gateway::pages::application_form::{FormFields, sent};
use crate::gateway::pages::form::Unread;
use crate::gateway::pages::look::{Look, Section};
use crate::gateway::pages::mistake::Mistake;
use crate::gateway::pages::registered::registered;
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::pages::words;
use crate::pb::pages::v1::{
    Application, ApplicationForm, GetApplicationFormRequest, ListApplicationsRequest, RegisterApplicationRequest,
};

#[derive(Template)]
#[template(path = "applications.html")]
struct ListPage<'a> {
    look: &'a Look,
    base: &'a str,
    applications: &'a [Row],
    may_register: bool,
    /// The query of the next page; empty on the last.
    next: &'a str,
}

struct Row {
    client_id: String,
    name: String,
    owner: String,
    registered_on: String,
    native: bool,
    disabled: bool,
}

impl From<Application> for Row {
    fn from(application: Application) -> Self {
        let ApplicationForm { name, native, .. } = application.form.unwrap_or_default();
        Self {
            client_id: application.client_id,
            name,
            owner: application.owner,
            registered_on: words::day(application.created_at),
            native,
            disabled: application.disabled,
        }
    }
}

#[derive(Template)]
#[template(path = "application_new.html")]
struct NewPage<'a> {
    look: &'a Look,
    base: &'a str,
    csrf_token: &'a str,
    fields: &'a FormFields,
}

/// `GET /oauth2/apps`.
pub(in crate::gateway) async fn list(visit: Visit) -> Response {
    let outcome = listed(&visit).await;
    visit.finish(outcome)
}

/// `GET /oauth2/apps/new`.
pub(in crate::gateway) async fn form(mut visit: Visit) -> Response {
    let outcome = empty_form(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /oauth2/apps`.
pub(in crate::gateway) async fn register(visit: Visit, body: Unread) -> Response {
    let outcome = register_sent(&visit, body).await;
    visit.finish(outcome)
}

async fn listed(visit: &Visit) -> Outcome {
    let page_token = visit.fields()?.text("page_token")?;
    let request = ListApplicationsRequest { workspace: visit.workspace.clone(), page_token };
    let listed = visit.services().application.list_applications(visit.call(request)).await?.into_inner();
    let (look, _) = Look::personal(listed.page, &visit.base, Section::Applications);
    let mut next = String::new();
    if !listed.next_page_token.is_empty() {
        next = form_urlencoded::Serializer::new(next).append_pair("page_token", &listed.next_page_token).finish();
    }
    let applications: Vec<Row> = listed.applications.into_iter().map(Row::from).collect();
    let page =
        ListPage { look: &look, base: &visit.base, applications: &applications, may_register: listed.may_register, next: &next };
    Ok(look.answer(StatusCode::OK, &page, "")?)
}

async fn empty_form(visit: &mut Visit) -> Outcome {
    visit.mark_browser()?;
    new_page(visit, ApplicationForm::default(), None).await
}

async fn new_page(visit: &Visit, form: ApplicationForm, mistake: Option<Mistake>) -> Outcome {
    let request = GetApplicationFormRequest { workspace: visit.workspace.clone() };
    let offered = visit.services().application.get_application_form(visit.call(request)).await?.into_inner();
    let (look, csrf_token) = Look::personal(offered.page, &visit.base, Section::Applications);
    let status = mistake.as_ref().map_or(StatusCode::OK, |mistake| mistake.status);
    let fields = FormFields::of(form, offered.scopes, offered.code_page, mistake);
    let page = NewPage { look: &look, base: &visit.base, csrf_token: &csrf_token, fields: &fields };
    Ok(look.answer(status, &page, "")?)
}

async fn register_sent(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let form = sent(&fields)?;
    let request = RegisterApplicationRequest {
        workspace: visit.workspace.clone(),
        csrf_token: fields.text("csrf_token")?,
        form: Some(form.clone()),
    };
    match visit.services().application.register_application(visit.call(request)).await {
        Ok(done) => {
            let done = done.into_inner();
            registered(visit, done.page, done.application.unwrap_or_default(), &done.client_secret)
        }
        Err(status) => new_page(visit, form, Some(Mistake::of(status)?)).await,
    }
}
