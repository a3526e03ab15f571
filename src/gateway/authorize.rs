//! The authorization endpoint (RFC 6749 section 3.1), as far as jeton itself faces the browser: it
//! checks the request, hands the person to the login application, and releases the answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use tonic::Request;

use crate::gateway::Gateway;
use crate::gateway::cookie::BrowserCookie;
use crate::gateway::error::{Refused, keep_out_of_caches};
use crate::gateway::form::{Form, Parameter};
use crate::gateway::workspace::Workspace;
use crate::grpc::facts::GatewayFacts;
use crate::pb::v1::{ContinueAuthorizationRequest, ValidateAuthorizationRequest};
use crate::types::error::OAuthError;
use crate::types::secret::Secret;

/// `GET /oauth2/authorize`.
pub(super) async fn from_query(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let form = Form::from_query(uri.query());
    gateway.in_browser(begin(&gateway, workspace, &headers, form).await)
}

/// `POST /oauth2/authorize`.
pub(super) async fn from_form(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    headers: HeaderMap,
    form: Result<Form, Refused>,
) -> Response {
    gateway.in_browser(begin(&gateway, workspace, &headers, form).await)
}

/// `GET /oauth2/continue`: the login application has decided and sent the browser back.
pub(super) async fn continue_in_browser(
    State(gateway): State<Arc<Gateway>>,
    Workspace(workspace): Workspace,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    gateway.in_browser(release(&gateway, workspace, &headers, Form::from_query(uri.query())).await)
}

async fn begin(
    gateway: &Gateway,
    workspace: String,
    headers: &HeaderMap,
    form: Result<Form, Refused>,
) -> Result<Response, Refused> {
    let form = form?;
    let (browser, fresh) = match gateway.cookie.read(headers) {
        Some(browser) => (browser, false),
        None => (BrowserCookie::generate(&*gateway.entropy).map_err(OAuthError::from)?, true),
    };
    let request = ValidateAuthorizationRequest {
        workspace,
        response_type: form.text(Parameter::ResponseType),
        client_id: form.text(Parameter::ClientId),
        redirect_uri: form.text(Parameter::RedirectUri),
        scope: form.text(Parameter::Scope),
        state: form.text(Parameter::State),
        code_challenge: form.text(Parameter::CodeChallenge),
        code_challenge_method: form.text(Parameter::CodeChallengeMethod),
        prompt: form.text(Parameter::Prompt),
        max_age: max_age(&form)?,
    };
    let request = with_browser(request, Some(browser.clone()));
    let valid = gateway.services.authorization.validate_authorization(request).await?.into_inner();
    if valid.login_uri.is_empty() {
        return Err(Refused::invalid_request(
            "this workspace has no login application; its operator sets one with: jeton workspace update --login-uri",
        ));
    }
    let mut response = see_other(&valid.login_uri)?;
    if fresh && let Some(cookie) = gateway.cookie.set(&browser) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// OpenID Connect Core 1.0 section 3.1.2.1: whole seconds.
fn max_age(form: &Form) -> Result<Option<i64>, Refused> {
    if !form.has(Parameter::MaxAge) {
        return Ok(None);
    }
    let seconds =
        form.text(Parameter::MaxAge).parse::<u32>().map_err(|_| Refused::invalid_request("max_age must be whole seconds"))?;
    Ok(Some(seconds.into()))
}

async fn release(
    gateway: &Gateway,
    workspace: String,
    headers: &HeaderMap,
    form: Result<Form, Refused>,
) -> Result<Response, Refused> {
    let request = ContinueAuthorizationRequest { workspace, ticket: form?.text(Parameter::Ticket) };
    let request = with_browser(request, gateway.cookie.read(headers));
    let released = gateway.services.authorization.continue_authorization(request).await?.into_inner();
    see_other(&released.redirect_uri)
}

fn with_browser<T>(message: T, browser: Option<Secret>) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(GatewayFacts { browser, ..GatewayFacts::default() });
    request
}

impl Gateway {
    /// What a browser gets: a refusal goes to the client where it may, else to the person.
    fn in_browser(&self, outcome: Result<Response, Refused>) -> Response {
        let refused = match outcome {
            Ok(response) => return response,
            Err(refused) => refused,
        };
        let redirected = refused.redirect_uri.as_deref().and_then(|uri| see_other(uri).ok());
        redirected.unwrap_or_else(|| self.error_pages.render(&refused))
    }
}

/// 303, so that a form is never posted again to where the browser goes (RFC 9700 section 4.12).
fn see_other(location: &str) -> Result<Response, Refused> {
    let location = HeaderValue::try_from(location)
        .map_err(|_| OAuthError::server_error("the service answered with a URI that is no header value"))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    keep_out_of_caches(headers);
    Ok(response)
}
