//! The page that tells a person why their sign-in cannot go on.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use tracing::info;

use crate::gateway::error::{Refused, keep_out_of_caches};
use crate::types::entropy::Entropy;

const STYLE: &str = include_str!("page.css");

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    style: &'static str,
    heading: &'static str,
    advice: &'static str,
    description: &'a str,
    error: &'a str,
    reference: &'a str,
}

/// Renders error pages.
pub(super) struct ErrorPages {
    entropy: Arc<dyn Entropy>,
    content_security_policy: Option<HeaderValue>,
}

impl ErrorPages {
    /// With the policy computed once: nothing but our own style, and in nobody's frame.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            STANDARD.encode(Sha256::digest(STYLE))
        );
        Self { entropy, content_security_policy: HeaderValue::try_from(policy).ok() }
    }

    /// The page of a refusal.  Its reference stands in the log too.
    pub fn render(&self, refused: &Refused) -> Response {
        let reference = self.entropy.array::<9>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default();
        info!(reference, error = refused.error, "an authorization request ended on the error page");
        let status = page_status(refused.status);
        let (heading, advice) = words(status);
        let page = ErrorPage {
            style: STYLE,
            heading,
            advice,
            description: &refused.description,
            error: refused.error,
            reference: &reference,
        };
        // Cannot fail: every value is a text.
        let Ok(html) = page.render() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        keep_out_of_caches(headers);
        if let Some(seconds) = refused.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        let policy = self.content_security_policy.clone();
        headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static("default-src 'none'")));
        response
    }
}

/// 401 without a challenge is no answer, and with one the browser asks the person for a password.
fn page_status(status: StatusCode) -> StatusCode {
    if status == StatusCode::UNAUTHORIZED { StatusCode::BAD_REQUEST } else { status }
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    if status == StatusCode::NOT_FOUND {
        return ("There is nothing here", "Check the address, or go back to the application that sent you here.");
    }
    if status.is_server_error() {
        return ("The server cannot sign you in right now", "Go back to the application and try again in a moment.");
    }
    (
        "This sign-in cannot go on",
        "Go back to the application that sent you here and start again. If it happens again, tell its makers what stands below.",
    )
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::types::entropy::SeededEntropy;

    async fn page(refused: &Refused) -> (Response<()>, String) {
        let response = ErrorPages::new(Arc::new(SeededEntropy::new(7))).render(refused);
        let (parts, body) = response.into_parts();
        let html = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(html.to_vec()).unwrap())
    }

    /// J1: what a client says is text on the page, never markup.
    #[tokio::test]
    async fn markup_in_a_description_is_escaped() {
        for hostile in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'&<svg/onload=1>", "</style><b>"] {
            let (_, html) = page(&Refused::invalid_request(hostile)).await;
            assert!(!html.contains(hostile), "{html}");
            assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<svg"), "{html}");
        }
    }

    /// J5: no frame, no referrer, no cache, nothing but the page's own style.
    #[tokio::test]
    async fn the_headers_leave_the_page_nothing_to_run() {
        let (response, html) = page(&Refused::invalid_request("no")).await;
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(response.headers()[X_FRAME_OPTIONS], "DENY");
        assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer");
        assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.headers()[http::header::CACHE_CONTROL], "no-store");
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        assert!(policy.contains(&STANDARD.encode(Sha256::digest(style))), "the hash is that of the style as sent");
    }

    #[tokio::test]
    async fn invalid_client_does_not_ask_the_person_for_a_password() {
        let (response, _) = page(&Refused::invalid_client("no")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().get(http::header::WWW_AUTHENTICATE).is_none());
    }

    #[tokio::test]
    async fn two_pages_have_two_references() {
        let pages = ErrorPages::new(Arc::new(SeededEntropy::new(7)));
        let refused = Refused::invalid_request("no");
        let first = pages.render(&refused).into_body().collect().await.unwrap().to_bytes();
        let second = pages.render(&refused).into_body().collect().await.unwrap().to_bytes();
        assert_ne!(first, second);
    }
}
