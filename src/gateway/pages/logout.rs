//! The sign-out page.  Looking at it changes nothing.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;

use crate::gateway::pages::form::Unread;
use crate::gateway::pages::look::Look;
use crate::gateway::pages::mistake::Stop;
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::pb::pages::v1::{GetSignOutRequest, SignOutRequest};

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    look: &'a Look,
    base: &'a str,
    csrf_token: &'a str,
    /// `None` when nobody is signed in.
    username: Option<&'a str>,
}

/// `GET /logout`.
pub(in crate::gateway) async fn show(mut visit: Visit) -> Response {
    let outcome = page(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /logout`.
pub(in crate::gateway) async fn sign_out(visit: Visit, body: Unread) -> Response {
    let outcome = signed_out(&visit, body).await;
    visit.finish(outcome)
}

async fn page(visit: &mut Visit) -> Outcome {
    visit.mark_browser()?;
    let request = GetSignOutRequest { workspace: visit.workspace.clone() };
    let shown = visit.services().interaction.get_sign_out(visit.call(request)).await?.into_inner();
    let look = Look::of(shown.branding);
    let username = shown.person.as_ref().map(|person| person.username.as_str());
    let page = LogoutPage { look: &look, base: &visit.base, csrf_token: &shown.csrf_token, username };
    Ok(look.answer(StatusCode::OK, &page, "")?)
}

async fn signed_out(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let request = SignOutRequest { workspace: visit.workspace.clone(), csrf_token: fields.text("csrf_token")? };
    match visit.services().interaction.sign_out(visit.call(request)).await.map_err(Stop::from) {
        // A session that is over already has nothing left to end.
        Ok(_) | Err(Stop::SignIn) => {}
        Err(stop) => return Err(stop),
    }
    // Without a session this page says that the person is signed out.
    let mut response = visit.to("/logout")?;
    if let Some(cookie) = visit.no_session_cookie() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
