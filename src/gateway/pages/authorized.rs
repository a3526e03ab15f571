//! The server's own redirect page: it shows a code to copy, for applications without a page of theirs.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::gateway::error::Refused;
use crate::gateway::pages::look::Look;
use crate::gateway::pages::mistake::Stop;
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::pages::words;
use crate::pb::pages::v1::{GetCodeRequest, GetCodeResponse, GetSignOutRequest};
use crate::types::error::ErrorCode;

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    look: &'a Look,
    shown: &'a GetCodeResponse,
    lifetime: &'a str,
}

#[derive(Template)]
#[template(path = "denied.html")]
struct DeniedPage<'a> {
    look: &'a Look,
}

/// `GET /authorized`.
pub(in crate::gateway) async fn show(visit: Visit) -> Response {
    let outcome = page(&visit).await;
    visit.finish(outcome)
}

async fn page(visit: &Visit) -> Outcome {
    let fields = visit.fields()?;
    let handle = fields.one("handle")?;
    if handle.is_empty() {
        return ended(visit, &fields.text("error")?).await;
    }
    let request = GetCodeRequest { workspace: visit.workspace.clone(), handle: handle.expose_secret().to_owned() };
    let shown = match visit.services().interaction.get_code(visit.call(request)).await.map_err(Stop::from) {
        Ok(shown) => shown.into_inner(),
        Err(Stop::SignIn) => return visit.to_with_handle("/login", &handle),
        Err(stop) => return Err(stop),
    };
    let look = Look::of(shown.branding.clone());
    let page = CodePage { look: &look, shown: &shown, lifetime: &words::duration(shown.expires_in) };
    Ok(look.answer(StatusCode::OK, &page, "")?)
}

/// A request that ended without a code.  Anybody can make this address, so it chooses among our own
/// sentences and adds none.
async fn ended(visit: &Visit, error: &str) -> Outcome {
    match ErrorCode::from_name(error) {
        Some(ErrorCode::AccessDenied) => {
            let request = GetSignOutRequest { workspace: visit.workspace.clone() };
            let shown = visit.services().interaction.get_sign_out(visit.call(request)).await?.into_inner();
            let look = Look::of(shown.branding);
            Ok(look.answer(StatusCode::OK, &DeniedPage { look: &look }, "")?)
        }
        Some(code) => {
            let description = "the authorization request was refused; nothing was allowed, and there is no code";
            Err(Refused::new(StatusCode::BAD_REQUEST, code.as_str(), description).into())
        }
        None => {
            Err(Refused::invalid_request("this page shows the code of an authorization request, and the address names none")
                .into())
        }
    }
}
