//! `jeton.pages.v1`: what the pages of the REST gateway ask.  On no listener: every call rests on what
//! only the gateway knows of a browser.

pub mod application;
mod application_message;
pub mod interaction;

use std::sync::Arc;

use http::Extensions;

use crate::engine::Engine;
use crate::engine::manage_scopes::ScopeInWords;
use crate::engine::people::branding_of::{PageBranding, branding_of};
use crate::engine::people::session::SignedIn;
use crate::engine::people::sign_in::Visitor;
use crate::grpc::facts::GatewayFacts;
use crate::pb::pages::v1;
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceId;
use crate::types::secret::Secret;

/// What the gateway knows of the browser that asks.
///
/// # Errors
/// `PermissionDenied` for a call that did not come from the gateway.
fn visitor(extensions: &Extensions) -> Result<Visitor, Refusal> {
    let facts = extensions.get::<GatewayFacts>();
    let facts = facts.ok_or(Refusal::PermissionDenied("only the pages of the gateway may call this"))?;
    Ok(Visitor { browser: facts.browser.clone(), session: facts.session.clone(), address: facts.address })
}

fn branding(branding: PageBranding) -> v1::Branding {
    v1::Branding {
        name: branding.name,
        logo_uri: branding.branding.logo_uri.unwrap_or_default(),
        color: branding.branding.color.unwrap_or_default(),
    }
}

fn person(person: &SignedIn) -> v1::Person {
    v1::Person {
        subject: person.subject().as_str().to_owned(),
        username: person.username().to_owned(),
        administrator: person.administrator(),
    }
}

fn scopes(words: Vec<ScopeInWords>) -> Vec<v1::ScopeDescription> {
    words.into_iter().map(|word| v1::ScopeDescription { name: word.name, description: word.description }).collect()
}

/// The token of a form that signs in or out; a browser without its cookie gets none, and can send none.
fn csrf_token(engine: &Engine, workspace: WorkspaceId, visitor: &Visitor) -> String {
    let token = visitor.browser.as_ref().map(|browser| engine.csrf_token(workspace, browser));
    token.map(Secret::expose_secret_owned).unwrap_or_default()
}

/// The token of the forms of a person's page.
fn personal_csrf_token(engine: &Engine, person: &SignedIn, visitor: &Visitor) -> String {
    let token = visitor.browser.as_ref().map(|browser| engine.personal_csrf_token(person, browser));
    token.map(Secret::expose_secret_owned).unwrap_or_default()
}

/// What every page of a signed-in person shows.
fn personal_page(engine: &Arc<Engine>, signed_in: &SignedIn, visitor: &Visitor) -> v1::PersonalPage {
    v1::PersonalPage {
        branding: Some(branding(branding_of(signed_in.workspace(), None))),
        person: Some(person(signed_in)),
        csrf_token: personal_csrf_token(engine, signed_in, visitor),
    }
}
