//! What operators and orchestrators ask: metrics, liveness, readiness.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;

use crate::store::Health;

/// Renders every metric in the Prometheus text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Says whether this process can serve requests now.
pub type Ready = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Whether requests may be sent here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// They may.
    Ready,
    /// They would fail, for this reason.
    NotReady(String),
}

impl Readiness {
    /// What follows from the engine's health.
    #[must_use]
    pub fn of(health: Health) -> Self {
        match health {
            Health::Serving => Self::Ready,
            Health::NearlyFull => Self::NotReady("little disk space is left: nothing new is issued".to_owned()),
            Health::Failed(reason) | Health::Unreachable(reason) => Self::NotReady(reason),
        }
    }
}

/// The body of both probes.
#[derive(Serialize)]
struct Probe {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// `/metrics`, `/livez` and `/readyz`.
pub fn router(metrics: Metrics, ready: Ready) -> Router {
    let metrics = get(async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics()));
    // Alive as long as the runtime answers: what a restart would not mend must not restart it.
    let live = get(async || answer(StatusCode::OK, "alive", None));
    let ready = get(async move || match ready() {
        Readiness::Ready => answer(StatusCode::OK, "ready", None),
        Readiness::NotReady(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, "not ready", Some(reason)),
    });
    Router::new().route("/metrics", metrics).route("/livez", live).route("/readyz", ready)
}

fn answer(
    code: StatusCode,
    status: &'static str,
    reason: Option<String>,
) -> (StatusCode, [(http::HeaderName, &'static str); 1], Json<Probe>) {
    (code, [(CACHE_CONTROL, "no-store")], Json(Probe { status, reason }))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get(readiness: Readiness, path: &str) -> (u16, String) {
        let router = router(Arc::new(|| "jeton_tokens_total 1\n".to_owned()), Arc::new(move || readiness.clone()));
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_says_why_not() {
        assert_eq!(get(Readiness::Ready, "/readyz").await, (200, r#"{"status":"ready"}"#.to_owned()));
        let refused = get(Readiness::NotReady("the disk is full".into()), "/readyz").await;
        assert_eq!(refused, (503, r#"{"status":"not ready","reason":"the disk is full"}"#.to_owned()));
    }

    #[tokio::test]
    async fn a_process_that_is_not_ready_is_still_alive() {
        let alive = get(Readiness::NotReady("the disk is full".into()), "/livez").await;
        assert_eq!(alive, (200, r#"{"status":"alive"}"#.to_owned()));
    }

    #[tokio::test]
    async fn metrics_are_text() {
        assert_eq!(get(Readiness::Ready, "/metrics").await, (200, "jeton_tokens_total 1\n".to_owned()));
    }
}
