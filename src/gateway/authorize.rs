//! The authorization endpoint (RFC 6749 section 3.1): it checks the request, hands the person to the
//! login application or to our own pages, and releases the answer.

use axum::response::Response;

use crate::gateway::error::Refused;
use crate::gateway::form::{Form, Parameter};
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::redirect::see_other;
use crate::pb::v1::{ContinueAuthorizationRequest, ValidateAuthorizationRequest};
use crate::types::secret::Secret;

/// `GET /oauth2/authorize`.
pub(super) async fn from_query(mut visit: Visit) -> Response {
    let form = Form::from_query(visit.query.as_deref());
    let outcome = begin(&mut visit, form).await;
    visit.finish(outcome)
}

/// `POST /oauth2/authorize`.
pub(super) async fn from_form(mut visit: Visit, form: Result<Form, Refused>) -> Response {
    let outcome = begin(&mut visit, form).await;
    visit.finish(outcome)
}

/// `GET /oauth2/continue`: the login application has decided and sent the browser back.
pub(super) async fn continue_in_browser(visit: Visit) -> Response {
    let form = Form::from_query(visit.query.as_deref());
    let outcome = release(&visit, form).await;
    visit.finish(outcome)
}

async fn begin(visit: &mut Visit, form: Result<Form, Refused>) -> Outcome {
    let form = form?;
    visit.mark_browser()?;
    let request = ValidateAuthorizationRequest {
        workspace: visit.workspace.clone(),
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
    // Not as a page's call: where this refusal may go, the service says itself.
    let valid = visit.services().authorization.validate_authorization(visit.call(request)).await.map_err(Refused::from)?;
    let valid = valid.into_inner();
    if valid.login_uri.is_empty() {
        return visit.to_with_handle("/consent", &Secret::new(valid.handle));
    }
    Ok(see_other(&valid.login_uri)?)
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

async fn release(visit: &Visit, form: Result<Form, Refused>) -> Outcome {
    let request = ContinueAuthorizationRequest { workspace: visit.workspace.clone(), ticket: form?.text(Parameter::Ticket) };
    let released = visit.services().authorization.continue_authorization(visit.call(request)).await.map_err(Refused::from)?;
    Ok(see_other(&released.into_inner().redirect_uri)?)
}
