//! The longest that a gRPC call may take: the caller's `grpc-timeout`, capped.
//!
//! A call that runs out of time is answered `DEADLINE_EXCEEDED`.  What it had given to the store is
//! finished all the same, so that repeating the call finds it done.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tower::{Layer, Service};

/// Puts a deadline on every call.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer(pub Duration);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, cap: self.0 }
    }
}

/// A service whose calls end in time.
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    cap: Duration,
}

impl<S, Asked, Answered> Service<Request<Asked>> for Deadline<S>
where
    S: Service<Request<Asked>, Response = Response<Answered>, Error = Infallible>,
    S::Future: Unpin,
    Answered: Default,
{
    type Response = Response<Answered>;
    type Error = Infallible;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Asked>) -> Self::Future {
        let limit = asked(request.headers()).map_or(self.cap, |asked| asked.min(self.cap));
        DeadlineFuture { call: self.inner.call(request), limit, sleep: None }
    }
}

/// A call that ends in time.
pub struct DeadlineFuture<F> {
    call: F,
    limit: Duration,
    /// Made when the call does not answer at once, which most do.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<F, Answered> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<Answered>, Infallible>> + Unpin,
    Answered: Default,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = Pin::new(&mut self.call).poll(context) {
            return Poll::Ready(answer);
        }
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Ok(Status::deadline_exceeded("the call took longer than its deadline").into_http()))
    }
}

/// The `grpc-timeout` header: digits and a unit.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(amount.saturating_mul(60))),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_timeout_is_read_in_every_unit() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            asked(&headers)
        };
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("7u"), Some(Duration::from_micros(7)));
        assert_eq!(read("999999999S"), None);
        assert_eq!(read("S"), None);
        assert_eq!(read("-1S"), None);
    }
}
