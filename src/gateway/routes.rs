//! The table of paths.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::gateway::edge::{Edge, Readers};
use crate::gateway::error::Refused;
use crate::gateway::pages::error_page::Place;
use crate::gateway::pages::{application, applications, authorized, consent, consents, login, logout};
use crate::gateway::{Gateway, authorize, introspect, jwks, metadata, revoke, token};

/// RFC 8414 section 3.
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// Every path, for the default workspace and, behind its name, for every other.
pub(super) fn table(gateway: &Arc<Gateway>, request_timeout: Duration) -> Router<Arc<Gateway>> {
    let edged = |readers: Readers, methods: MethodRouter<Arc<Gateway>>| {
        // The fallback comes first, so that the edge sees OPTIONS before it is refused.
        methods.fallback(wrong_method).layer::<_, Infallible>(Edge { limit: request_timeout, readers })
    };
    let for_any_origin = |methods| edged(Readers::AnyOrigin, methods);
    let for_same_origin = |methods| edged(Readers::SameOrigin, methods);
    let endpoints = [
        ("/oauth2/token", for_any_origin(post(token::issue))),
        ("/token", for_any_origin(post(token::issue_at_alias))),
        ("/oauth/2/token", for_any_origin(post(token::issue_at_alias))),
        ("/oauth2/introspect", for_same_origin(post(introspect::introspect))),
        ("/oauth2/revoke", for_any_origin(post(revoke::revoke))),
        ("/oauth2/authorize", for_same_origin(get(authorize::from_query).post(authorize::from_form))),
        ("/oauth2/continue", for_same_origin(get(authorize::continue_in_browser))),
        ("/oauth2/jwks", for_any_origin(get(jwks::keys))),
        (WELL_KNOWN, for_any_origin(get(metadata::describe))),
    ];
    let paged = |methods: MethodRouter<Arc<Gateway>>| {
        let edge = Edge { limit: request_timeout, readers: Readers::SameOrigin };
        let methods = methods.fallback(wrong_method_of_page).layer::<_, Infallible>(edge);
        methods.layer::<_, Infallible>(from_fn_with_state(Arc::clone(gateway), fault_as_page))
    };
    let pages = [
        ("/login", paged(get(login::show).post(login::sign_in))),
        ("/consent", paged(get(consent::show).post(consent::decide))),
        ("/authorized", paged(get(authorized::show))),
        ("/logout", paged(get(logout::show).post(logout::sign_out))),
        ("/oauth2/apps", paged(get(applications::list).post(applications::register))),
        ("/oauth2/apps/new", paged(get(applications::form))),
        ("/oauth2/apps/{client_id}", paged(get(application::show).post(application::update))),
        ("/oauth2/apps/{client_id}/secret", paged(post(application::rotate))),
        ("/oauth2/apps/{client_id}/delete", paged(get(application::confirm).post(application::delete))),
        ("/oauth2/consents", paged(get(consents::list))),
        ("/oauth2/consents/{client_id}/withdraw", paged(post(consents::withdraw))),
    ];
    let mut router = Router::new();
    for (path, methods) in endpoints.into_iter().chain(pages) {
        router = router.route(path, methods.clone()).route(&format!("/{{workspace}}{path}"), methods);
    }
    router
        // RFC 8414 section 3.1: the well-known part goes before the issuer's path.
        .route(&format!("{WELL_KNOWN}/{{workspace}}"), for_any_origin(get(metadata::describe)))
        .fallback(unknown_path)
}

/// A page for a person who mistyped an address, JSON for everybody else.
async fn unknown_path(State(gateway): State<Arc<Gateway>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let refused = Refused::not_found("there is nothing at this path");
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if method == Method::GET && accepted.contains("text/html") {
        return gateway.error_pages.render(&refused, Place::of_path(uri.path()));
    }
    refused.into_response()
}

async fn wrong_method() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request",
        "this endpoint does not take this method; the Allow header names those it takes",
    )
}

async fn wrong_method_of_page(State(gateway): State<Arc<Gateway>>, uri: Uri) -> Response {
    let description = "this page does not take this method; the Allow header names those it takes";
    let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", description);
    gateway.error_pages.render(&refused, Place::of_path(uri.path()))
}

/// The edge answers faults in JSON, for it knows no pages.
async fn fault_as_page(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let place = Place::of_path(request.uri().path());
    let response = next.run(request).await;
    if response.headers().get(CONTENT_TYPE).is_none_or(|media_type| media_type != "application/json") {
        return response;
    }
    let refused = match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => {
            let refused = Refused::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "the request took too long");
            Refused { retry_after: Some(1), ..refused }
        }
        _ => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the server met a fault"),
    };
    gateway.error_pages.render(&refused, place)
}
