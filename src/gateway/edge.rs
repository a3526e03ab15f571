//! What holds at every path, whatever its handler does: a request ends in time, a panic is an answer
//! like another, and scripts of other origins read what they may.
//!
//! One layer for all three, because each layer boxes every request once more.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
};
use http::{HeaderValue, Method};
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use crate::gateway::error::Refused;
use crate::types::error::OAuthError;

/// Whose scripts may read the answers of a path (Fetch standard, CORS protocol).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Those of any origin; none may send its cookies along.  For applications in browsers.
    AnyOrigin,
    /// None of another origin.  For pages and servers.
    SameOrigin,
}

/// Puts the edge around a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// How long a request may take.
    pub limit: Duration,
    /// Who may read its answers.
    pub readers: Readers,
}

impl<S> Layer<S> for Edge {
    type Service = Edged<S>;

    fn layer(&self, inner: S) -> Edged<S> {
        Edged { inner, edge: *self }
    }
}

/// A path with its edge.
#[derive(Clone, Debug)]
pub(super) struct Edged<S> {
    inner: S,
    edge: Edge,
}

impl<S> Service<Request> for Edged<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = EdgedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let preflight = self.edge.readers == Readers::AnyOrigin && request.method() == Method::OPTIONS;
        let call = (!preflight).then(|| self.inner.call(request));
        EdgedFuture { call, edge: self.edge, sleep: None }
    }
}

/// A request on its way.
pub(super) struct EdgedFuture<F> {
    /// `None` for a preflight request, which no handler sees.
    call: Option<F>,
    edge: Edge,
    /// Made when the handler does not answer at once.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<F> Future for EdgedFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let readers = self.edge.readers;
        let Some(call) = &mut self.call else { return Poll::Ready(Ok(preflight())) };
        // The handler is not polled again after a panic, so that nobody sees what it left behind.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(call).poll(context))) {
            Ok(Poll::Ready(Ok(response))) => return Poll::Ready(Ok(readable(response, readers))),
            Ok(Poll::Pending) => {}
            // What the panic said may hold a value of the request, so that it goes nowhere.
            Err(_) => return refused(OAuthError::server_error("a handler panicked"), readers),
        }
        let limit = self.edge.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(limit)));
        match sleep.as_mut().poll(context) {
            Poll::Ready(()) => refused(OAuthError::unavailable("the request took too long"), readers),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn refused(error: OAuthError, readers: Readers) -> Poll<Result<Response, Infallible>> {
    Poll::Ready(Ok(readable(Refused::from(error).into_response(), readers)))
}

fn readable(mut response: Response, readers: Readers) -> Response {
    if readers == Readers::AnyOrigin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate,retry-after"));
    }
    response
}

/// The answer to a browser that asks what its script may send: the same for every origin.
fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET,POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization,content-type"),
        (ACCESS_CONTROL_MAX_AGE, "3600"),
    ];
    headers.into_response()
}
