//! What one request may take: bytes and time.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::body::Frame;

use super::recorder::{Answer, Recorder, Refusal, post, send};

/// Bodies that no honest client sends.
enum Hostile {
    Endless,
    Silent,
}

impl hyper::body::Body for Hostile {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match *self {
            Self::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'a'; 4096]))))),
            Self::Silent => Poll::Pending,
        }
    }
}

async fn post_body(recorder: &Arc<Recorder>, body: Body) -> Answer {
    let request = Request::post("/oauth2/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, "Basic aWQ6c2VjcmV0")
        .body(body);
    send(recorder.gateway(), request.unwrap()).await
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_413() {
    let recorder = Arc::new(Recorder::default());
    let form = |bytes: usize| format!("grant_type=client_credentials&x={}", "a".repeat(bytes - 32));
    assert_eq!(form(65_536).len(), 65_536);
    assert_eq!(post(recorder.gateway(), "/oauth2/token", &form(65_536)).await.status, 200);
    assert_eq!(post(recorder.gateway(), "/oauth2/token", &form(65_537)).await.error(), "413 invalid_request");
}

/// A length that was not announced is counted.
#[tokio::test]
async fn a_stream_without_end_is_413() {
    let recorder = Arc::new(Recorder::default());
    assert_eq!(post_body(&recorder, Body::new(Hostile::Endless)).await.error(), "413 invalid_request");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let recorder = Arc::new(Recorder::default());
    assert_eq!(post_body(&recorder, Body::new(Hostile::Silent)).await.error(), "408 invalid_request");
}

#[tokio::test]
async fn a_service_that_hangs_is_503() {
    let recorder = Arc::new(Recorder::default());
    recorder.refuse(Refusal::Hang);
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=client_credentials").await;
    assert_eq!(answer.error(), "503 temporarily_unavailable");
}

/// N1: what a panic said goes nowhere.
#[tokio::test]
async fn a_panic_is_500_without_its_message() {
    let recorder = Arc::new(Recorder::default());
    recorder.refuse(Refusal::Panic);
    let answer = post(recorder.gateway(), "/oauth2/token", "grant_type=client_credentials").await;
    assert_eq!(answer.error(), "500 server_error");
    assert!(!answer.body.contains("canary"));
}
