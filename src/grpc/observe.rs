//! What is counted, timed and logged of every call, whichever surface it came by.

use std::time::Instant;

use metrics::{Counter, Histogram};
use tonic::{Code, Response, Status};
use tracing::{Instrument, Span, debug, debug_span, error, info, warn};

use crate::grpc::status::{codes, refuse, refuse_management};
use crate::types::error::{OAuthError, Refusal};

/// A method, or a grant type of one, with its metrics looked up once.
#[derive(Clone)]
pub struct Observed {
    method: &'static str,
    grant_type: &'static str,
    ok: Counter,
    duration: Histogram,
}

impl Observed {
    /// Observes a method.
    #[must_use]
    pub fn method(method: &'static str) -> Self {
        Self::grant(method, "")
    }

    /// Observes one grant type of a method.
    #[must_use]
    pub fn grant(method: &'static str, grant_type: &'static str) -> Self {
        Self {
            method,
            grant_type,
            ok: metrics::counter!("jeton_requests_total", "method" => method, "grant_type" => grant_type, "outcome" => "ok"),
            duration: metrics::histogram!("jeton_request_duration_seconds", "method" => method),
        }
    }

    /// Runs an OAuth call.
    ///
    /// # Errors
    /// The call's own, as a status.
    pub async fn oauth<T>(&self, call: impl Future<Output = Result<T, OAuthError>>) -> Result<Response<T>, Status> {
        self.run(async { call.await.map_err(Refusal::OAuth) }).await
    }

    /// Runs a management call.
    ///
    /// # Errors
    /// The call's own, as a status.
    pub async fn run<T>(&self, call: impl Future<Output = Result<T, Refusal>>) -> Result<Response<T>, Status> {
        let begun = Instant::now();
        let outcome = call.instrument(self.span()).await;
        let elapsed = begun.elapsed();
        self.duration.record(elapsed);
        match outcome {
            Ok(answer) => {
                self.ok.increment(1);
                debug!(method = self.method, grant_type = self.grant_type, duration_ms = elapsed.as_secs_f64() * 1e3, "answered");
                Ok(Response::new(answer))
            }
            Err(refusal) => Err(self.refused(refusal)),
        }
    }

    fn span(&self) -> Span {
        debug_span!("call", method = self.method, grant_type = self.grant_type)
    }

    fn refused(&self, refusal: Refusal) -> Status {
        match refusal {
            Refusal::OAuth(refusal) => {
                self.log(&refusal);
                self.count(refusal.code.as_str());
                refuse(refusal)
            }
            refusal => {
                let status = refuse_management(refusal);
                info!(method = self.method, outcome = outcome_of(status.code()), reason = status.message(), "refused");
                self.count(outcome_of(status.code()));
                status
            }
        }
    }

    fn log(&self, refusal: &OAuthError) {
        let (method, grant_type, outcome) = (self.method, self.grant_type, refusal.code.as_str());
        let cause = refusal.cause.as_deref().map(tracing::field::display);
        let about = refusal.about.as_deref();
        let workspace = about.and_then(|about| about.workspace.as_ref()).map(tracing::field::display);
        let client = about.and_then(|about| about.client.as_ref()).map(tracing::field::display);
        match codes(refusal.code).0 {
            Code::Internal => error!(method, grant_type, workspace, client.id = client, outcome, cause, "a fault of the server"),
            Code::Unavailable => warn!(method, grant_type, workspace, client.id = client, outcome, cause, "not available"),
            _ => info!(method, grant_type, workspace, client.id = client, outcome, reason = %refusal.description, "refused"),
        }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!(
            "jeton_requests_total", "method" => self.method, "grant_type" => self.grant_type, "outcome" => outcome
        )
        .increment(1);
    }
}

fn outcome_of(code: Code) -> &'static str {
    match code {
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::Aborted => "changed",
        Code::Unauthenticated => "unauthenticated",
        Code::PermissionDenied => "permission_denied",
        _ => "invalid_argument",
    }
}
