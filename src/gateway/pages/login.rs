//! The sign-in page.

use askama::Template;
use axum::response::Response;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use tonic::Status;

use crate::gateway::error::Refused;
use crate::gateway::pages::form::Unread;
use crate::gateway::pages::look::Look;
use crate::gateway::pages::mistake::{Mistake, Stop, code};
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::pages::words;
use crate::pb::pages::v1::{GetSignInRequest, SignInRequest};
use crate::types::error::ErrorCode;
use crate::types::secret::Secret;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    look: &'a Look,
    base: &'a str,
    handle: &'a str,
    csrf_token: &'a str,
    client_name: &'a str,
    username: &'a str,
    problem: &'a str,
}

/// What the form shows when it is not the first time.
#[derive(Default)]
struct Attempt {
    status: StatusCode,
    username: String,
    problem: String,
    retry_after: Option<u64>,
}

/// `GET /login`.
pub(in crate::gateway) async fn show(mut visit: Visit) -> Response {
    let outcome = first(&mut visit).await;
    visit.finish(outcome)
}

/// `POST /login`.
pub(in crate::gateway) async fn sign_in(visit: Visit, body: Unread) -> Response {
    let outcome = attempt(&visit, body).await;
    visit.finish(outcome)
}

async fn first(visit: &mut Visit) -> Outcome {
    let handle = visit.fields()?.one("handle")?;
    visit.mark_browser()?;
    page(visit, &handle, Attempt::default()).await
}

async fn attempt(visit: &Visit, body: Unread) -> Outcome {
    let fields = visit.form(body).await?;
    let (handle, password) = (fields.one("handle")?, fields.one("password")?);
    let username = fields.text("username")?;
    let request = SignInRequest {
        workspace: visit.workspace.clone(),
        handle: handle.expose_secret().to_owned(),
        csrf_token: fields.text("csrf_token")?,
        username: username.clone(),
        password: password.expose_secret_owned(),
    };
    let session = match visit.services().interaction.sign_in(visit.call(request)).await {
        Ok(signed_in) => Secret::new(signed_in.into_inner().session),
        Err(status) => {
            let again = failed(status, username)?;
            return page(visit, &handle, again).await;
        }
    };
    let cookie = visit.session_cookie(&session)?;
    let mut response = match handle.is_empty() {
        true => visit.to("/oauth2/apps")?,
        false => visit.to_with_handle("/consent", &handle)?,
    };
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// What the person may try again; whether the name or the password was wrong is not told.
fn failed(status: Status, username: String) -> Result<Attempt, Stop> {
    let wrong = "The username or the password is not right. Check both and try again.";
    match code(&status) {
        Some(ErrorCode::InvalidGrant | ErrorCode::AccessDenied) => {
            Ok(Attempt { status: StatusCode::BAD_REQUEST, username, problem: wrong.to_owned(), retry_after: None })
        }
        Some(ErrorCode::TooManyRequests) => {
            let seconds = Refused::from(status).retry_after.unwrap_or(1);
            let wait = words::duration(i64::try_from(seconds).unwrap_or(i64::MAX));
            Ok(Attempt {
                status: StatusCode::TOO_MANY_REQUESTS,
                username,
                problem: format!("There were too many attempts to sign in. Wait {wait}, then try again."),
                retry_after: Some(seconds),
            })
        }
        // A name or a password that no account can have is a wrong one.
        _ => Mistake::of(status).map(|mistake| Attempt {
            status: mistake.status,
            username,
            problem: wrong.to_owned(),
            retry_after: None,
        }),
    }
}

async fn page(visit: &Visit, handle: &Secret, attempt: Attempt) -> Outcome {
    let request = GetSignInRequest { workspace: visit.workspace.clone(), handle: handle.expose_secret().to_owned() };
    let shown = visit.services().interaction.get_sign_in(visit.call(request)).await?.into_inner();
    let look = Look::of(shown.branding);
    let page = LoginPage {
        look: &look,
        base: &visit.base,
        handle: handle.expose_secret(),
        csrf_token: &shown.csrf_token,
        client_name: &shown.client_name,
        username: &attempt.username,
        problem: &attempt.problem,
    };
    let mut response = look.answer(attempt.status, &page, &shown.form_target)?;
    if let Some(seconds) = attempt.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}
