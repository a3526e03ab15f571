//! The page that tells a person why they cannot go on, and their developer what went wrong.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use tracing::info;

use crate::gateway::error::Refused;
use crate::gateway::pages::look::Look;
use crate::gateway::pages::words;
use crate::types::entropy::Entropy;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    look: &'a Look,
    heading: &'static str,
    advice: String,
    description: &'a str,
    error: &'a str,
    reference: &'a str,
}

/// What the person was about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Place {
    /// Looking after their own applications.
    Account,
    /// Signing in to an application.
    SignIn,
}

impl Place {
    /// The place of a path.
    pub fn of_path(path: &str) -> Self {
        let account = ["/oauth2/apps", "/oauth2/consents", "/logout"];
        if account.iter().any(|part| path.contains(part)) { Self::Account } else { Self::SignIn }
    }
}

/// Renders error pages.
pub(in crate::gateway) struct ErrorPages {
    entropy: Arc<dyn Entropy>,
}

impl ErrorPages {
    /// With randomness for the references.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy }
    }

    /// The page of a refusal.  Its reference stands in the log too.
    pub fn render(&self, refused: &Refused, place: Place) -> Response {
        let reference = self.entropy.array::<9>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default();
        info!(reference, error = refused.error, "a visit ended on the error page");
        let status = page_status(refused.status);
        let (heading, advice) = words_for(status, place, refused.retry_after);
        let look = Look::plain();
        let page = ErrorPage {
            look: &look,
            heading,
            advice,
            description: &refused.description,
            error: refused.error,
            reference: &reference,
        };
        let Ok(mut response) = look.answer(status, &page, "") else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        if let Some(seconds) = refused.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// 401 without a challenge is no answer, and with one the browser asks the person for a password.
fn page_status(status: StatusCode) -> StatusCode {
    if status == StatusCode::UNAUTHORIZED { StatusCode::BAD_REQUEST } else { status }
}

fn words_for(status: StatusCode, place: Place, retry_after: Option<u64>) -> (&'static str, String) {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wait = words::duration(i64::try_from(retry_after.unwrap_or(1)).unwrap_or(i64::MAX));
        return ("Too many attempts", format!("Wait {wait}, then try again."));
    }
    let (heading, advice) = match (status, place) {
        (StatusCode::NOT_FOUND, _) => {
            ("There is nothing here", "Check the address, or go back to the application that sent you here.")
        }
        (StatusCode::METHOD_NOT_ALLOWED, _) => {
            ("This page cannot be used like that", "Open it from the page that links to it, or from the address bar.")
        }
        (StatusCode::FORBIDDEN, _) => (
            "This was refused for your safety",
            "Go back, reload the page and try again. Your browser must allow cookies for this site.",
        ),
        (status, Place::SignIn) if status.is_server_error() => {
            ("The server cannot sign you in right now", "Go back to the application and try again in a moment.")
        }
        (status, Place::Account) if status.is_server_error() => {
            ("The server cannot do this right now", "Nothing is lost. Go back and try again in a moment.")
        }
        (_, Place::SignIn) => (
            "This sign-in cannot go on",
            "Go back to the application that sent you here and start again. If it happens again, tell its makers what stands below.",
        ),
        (_, Place::Account) => {
            ("This cannot be done", "Go back, check what you entered, and try again. What went wrong stands below.")
        }
    };
    (heading, advice.to_owned())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::types::entropy::SeededEntropy;

    async fn page(refused: &Refused) -> (Response<()>, String) {
        let response = ErrorPages::new(Arc::new(SeededEntropy::new(7))).render(refused, Place::SignIn);
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

    #[tokio::test]
    async fn invalid_client_does_not_ask_the_person_for_a_password() {
        let (response, _) = page(&Refused::invalid_client("no")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().get(http::header::WWW_AUTHENTICATE).is_none());
    }

    #[tokio::test]
    async fn a_rate_limit_says_in_words_how_long() {
        let refused =
            Refused { retry_after: Some(300), ..Refused::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "no") };
        let (response, html) = page(&refused).await;
        assert_eq!(response.headers()[RETRY_AFTER], "300");
        assert!(html.contains("Wait 5 minutes, then try again."));
    }

    #[tokio::test]
    async fn two_pages_have_two_references() {
        let pages = ErrorPages::new(Arc::new(SeededEntropy::new(7)));
        let refused = Refused::invalid_request("no");
        let first = pages.render(&refused, Place::SignIn).into_body().collect().await.unwrap().to_bytes();
        let second = pages.render(&refused, Place::SignIn).into_body().collect().await.unwrap().to_bytes();
        assert_ne!(first, second);
    }
}
