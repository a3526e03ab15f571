//! Whose address counts (threat J4).

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use jeton::grpc::facts::Peer;

use super::recorder::{Recorder, send};

/// The address that the service behind the gateway is told.
async fn told(trusted: &[&str], peer: &str, headers: &[(&str, &str)]) -> Option<IpAddr> {
    let recorder = Arc::new(Recorder::default());
    let gateway = recorder.gateway_behind(trusted);
    let mut request = Request::post("/oauth2/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, "Basic aWQ6c2VjcmV0");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from("grant_type=client_credentials")).unwrap();
    request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    assert_eq!(send(gateway, request).await.status, 200);
    let addresses = recorder.addresses.lock().unwrap();
    assert_eq!(addresses.len(), 1);
    addresses[0]
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// Every header that a proxy might send, with the address of somebody else.
const SPOOFED: &[(&str, &str)] = &[
    ("x-forwarded-for", "203.0.113.9"),
    ("forwarded", "for=203.0.113.9;proto=https"),
    ("x-real-ip", "203.0.113.9"),
    ("x-client-ip", "203.0.113.9"),
    ("x-cluster-client-ip", "203.0.113.9"),
    ("x-forwarded", "for=203.0.113.9"),
    ("true-client-ip", "203.0.113.9"),
    ("cf-connecting-ip", "203.0.113.9"),
    ("x-original-forwarded-for", "203.0.113.9"),
    ("via", "203.0.113.9"),
];

/// Threat J4: without a trusted proxy, no header moves anybody.
#[tokio::test]
async fn a_spoofed_header_of_an_untrusted_peer_is_ignored() {
    for trusted in [&[][..], &["10.0.0.0/8"]] {
        assert_eq!(told(trusted, "198.51.100.1", SPOOFED).await, address("198.51.100.1"));
    }
}

/// Threat J4: a trusted proxy is believed in what it appended, and in nothing else.
#[tokio::test]
async fn a_trusted_proxy_says_whom_it_heard() {
    let trusted = ["10.0.0.0/8"];
    let appended = [("x-forwarded-for", "203.0.113.9, 198.51.100.1")];
    assert_eq!(told(&trusted, "10.0.0.1", &appended).await, address("198.51.100.1"));
    assert_eq!(told(&trusted, "10.0.0.1", &SPOOFED[1..]).await, address("10.0.0.1"), "no other header counts");
    let two = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.1, 10.0.0.2")];
    assert_eq!(told(&trusted, "10.0.0.1", &two).await, address("198.51.100.1"));
}
