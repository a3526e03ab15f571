//! The table of paths.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any as AnyOrigin, CorsLayer};

use crate::gateway::error::Refused;
use crate::gateway::{Gateway, authorize, introspect, jwks, metadata, revoke, token};
use crate::types::error::OAuthError;

/// RFC 8414 section 3.
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// Every path, for the default workspace and, behind its name, for every other.
pub(super) fn table(request_timeout: Duration) -> Router<Arc<Gateway>> {
    let endpoints = [
        ("/oauth2/token", for_any_origin(post(token::issue))),
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
        .layer(ServiceBuilder::new().layer(CatchPanicLayer::custom(panicked)).layer(from_fn_with_state(request_timeout, within)))
}

/// For pages and servers: a script of another origin gets no answer.
fn for_same_origin(methods: MethodRouter<Arc<Gateway>>) -> MethodRouter<Arc<Gateway>> {
    methods.fallback(wrong_method)
}

/// For applications in browsers: any origin may call, none may send its cookies along.
fn for_any_origin(methods: MethodRouter<Arc<Gateway>>) -> MethodRouter<Arc<Gateway>> {
    let cors = CorsLayer::new()
        .allow_origin(AnyOrigin)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER])
        .max_age(Duration::from_secs(3600))
        // The answer is the same for every origin.
        .vary([]);
    // The fallback comes first, so that the layer sees OPTIONS before it is refused.
    methods.fallback(wrong_method).layer::<_, Infallible>(cors)
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

/// Ends a request that takes too long, wherever it hangs.
async fn within(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => Refused::from(OAuthError::unavailable(elapsed)).into_response(),
    }
}

/// What a panic said may hold a value of the request, so that it goes nowhere.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Refused::from(OAuthError::server_error("a handler panicked")).into_response()
}
