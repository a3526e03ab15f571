//! The table of paths.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;

use crate::gateway::edge::{Edge, Readers};
use crate::gateway::error::Refused;
use crate::gateway::{Gateway, authorize, introspect, jwks, metadata, revoke, token};

/// RFC 8414 section 3.
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// Every path, for the default workspace and, behind its name, for every other.
pub(super) fn table(request_timeout: Duration) -> Router<Arc<Gateway>> {
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
    let mut router = Router::new();
    for (path, methods) in endpoints {
        router = router.route(path, methods.clone()).route(&format!("/{{workspace}}{path}"), methods);
    }
    router
        // RFC 8414 section 3.1: the well-known part goes before the issuer's path.
        .route(&format!("{WELL_KNOWN}/{{workspace}}"), for_any_origin(get(metadata::describe)))
        .fallback(unknown_path)
}

async fn unknown_path() -> Refused {
    Refused::not_found("there is nothing at this path")
}

async fn wrong_method() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request",
        "this endpoint does not take this method; the Allow header names those it takes",
    )
}
