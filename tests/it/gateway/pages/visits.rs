//! What holds for every page and every form: headers, methods, origins.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use jeton::pb::pages::v1::Branding;
use jeton::types::error::OAuthError;
use sha2::{Digest, Sha256};

use super::super::recorder::{Answer, Recorder, get, send};
use super::{COOKIES, FORMS, PAGES, submit, submit_with, visit};

fn assert_page(answer: &Answer, what: &str) {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{what}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(answer.header("x-frame-options"), "DENY", "{what}");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    let policy = answer.header("content-security-policy");
    let style = answer.body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    let start = format!("default-src 'none'; style-src 'sha256-{hash}'; img-src ");
    assert!(policy.starts_with(&start), "{what}: the hash is that of the style as sent: {policy}");
    assert!(policy.ends_with("; base-uri 'none'; frame-ancestors 'none'"), "{what}: {policy}");
    assert!(policy.contains("; form-action 'self'"), "{what}: {policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
    let body = answer.body.to_ascii_lowercase();
    for active in ["<script", "<iframe", "<object", "<embed", "<base", "<link", "javascript:", " style="] {
        assert!(!body.contains(active), "{what}: {active}");
    }
    assert!(body.starts_with("<!doctype html>\n<html lang=\"en\">"), "{what}");
    assert_eq!((body.matches("<main").count(), body.matches("<h1").count()), (1, 1), "{what}");
}

/// J5.
#[tokio::test]
async fn every_page_of_every_status_has_the_same_headers() {
    let recorder = Arc::new(Recorder::default());
    for base in ["", "/acme"] {
        for (path, status) in PAGES {
            let page = visit(recorder.gateway(), &format!("{base}{path}")).await;
            assert_eq!(page.status.as_u16(), *status, "{base}{path}");
            assert_page(&page, path);
        }
    }
    for (path, form, status) in [
        ("/oauth2/apps", FORMS[3].1, 201),
        ("/oauth2/apps/app-1/secret", "csrf_token=t&overlap=7d", 200),
        ("/oauth2/apps/app-1/secret", "csrf_token=t&overlap=forever", 400),
        ("/login", "a=%ff", 400),
    ] {
        let page = submit(recorder.gateway(), path, form).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert_page(&page, path);
    }
}

/// Chromium applies `form-action` to where a form's answer leads.
#[tokio::test]
async fn the_forms_of_a_request_may_lead_to_its_client() {
    let recorder = Arc::new(Recorder::default());
    *recorder.pages.form_target.lock().unwrap() = "https://reports.example".into();
    for path in ["/login?handle=h1", "/consent?handle=h1"] {
        let page = visit(recorder.gateway(), path).await;
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("form-action 'self' https://reports.example;"), "{policy}");
        assert_page(&page, path);
    }
}

#[tokio::test]
async fn a_brand_shows_its_picture_and_colour_and_nothing_else() {
    let recorder = Arc::new(Recorder::default());
    let branding = |logo_uri: &str, color: &str| Branding { name: "Zeta".into(), logo_uri: logo_uri.into(), color: color.into() };
    *recorder.pages.branding.lock().unwrap() = branding("https://cdn.example/logo.png", "#ffd400");
    let page = visit(recorder.gateway(), "/login").await;
    assert_page(&page, "branded");
    assert!(page.header("content-security-policy").contains("img-src https://cdn.example;"));
    assert!(page.body.contains(r#"<img src="https://cdn.example/logo.png" alt="">"#) && page.body.contains("Zeta"));
    assert!(page.body.contains("--brand:#ffd400;--on-brand:#000000"));
    *recorder.pages.branding.lock().unwrap() = branding("http://cdn.example/logo.png", "red;}body{display:none");
    let page = visit(recorder.gateway(), "/login").await;
    assert_page(&page, "badly branded");
    assert!(page.header("content-security-policy").contains("img-src 'none';"));
    assert!(!page.body.contains("cdn.example") && !page.body.contains("display:none"));
}

/// J6, RFC 9700 section 4.12: no form is posted again to where its answer leads.
#[tokio::test]
async fn every_redirect_is_303() {
    let recorder = Arc::new(Recorder::default());
    let mut redirects = 0;
    for (path, form) in FORMS {
        let answer = submit(recorder.gateway(), path, form).await;
        assert!([200, 201, 303].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
        if !answer.header("location").is_empty() {
            assert_eq!(answer.status, 303, "{path}");
            assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
            redirects += 1;
        }
    }
    assert_eq!(redirects, 6, "all but the two that show a secret");
}

/// J2: a form of another site is refused before any service hears of it.
#[tokio::test]
async fn a_form_of_another_origin_is_403() {
    let recorder = Arc::new(Recorder::default());
    let foreign: &[&[(&str, &str)]] = &[
        &[("origin", "https://evil.example")],
        &[("origin", "https://id.example.evil.example")],
        &[("origin", "http://id.example")],
        &[("origin", "https://id.example:8443")],
        &[("origin", "null")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
    ];
    for (path, form) in FORMS {
        for headers in foreign {
            let headers = [&[("cookie", COOKIES)], *headers].concat();
            let answer = submit_with(recorder.gateway_at("https://id.example"), path, form, &headers).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert!(answer.headers.get("set-cookie").is_none());
            assert_page(&answer, path);
        }
    }
    assert!(recorder.pages.methods().is_empty());
}

/// A page without a referrer makes browsers send `Origin: null` from it, with `Sec-Fetch-Site`.
#[tokio::test]
async fn a_form_of_our_own_origin_is_taken() {
    let recorder = Arc::new(Recorder::default());
    let own: &[&[(&str, &str)]] = &[
        &[],
        &[("origin", "https://id.example"), ("sec-fetch-site", "same-origin")],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
    ];
    for (path, form) in FORMS {
        for headers in own {
            let headers = [&[("cookie", COOKIES)], *headers].concat();
            let answer = submit_with(recorder.gateway_at("https://id.example/auth"), path, form, &headers).await;
            assert!(!answer.status.is_client_error(), "{path} {headers:?}: {}", answer.status);
        }
    }
}

/// J2: without a browser's cookie there is nothing for a token to follow from.
#[tokio::test]
async fn a_form_makes_no_browser_cookie() {
    let recorder = Arc::new(Recorder::default());
    for (path, form) in FORMS {
        let answer = submit_with(recorder.gateway(), path, form, &[]).await;
        assert!(!answer.header("set-cookie").contains("jeton_browser"), "{path}");
        assert_eq!(recorder.pages.last().browser, None, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_of_a_page_is_a_page() {
    let recorder = Arc::new(Recorder::default());
    for (method, path, allowed) in [
        ("PUT", "/login", "GET,HEAD,POST"),
        ("POST", "/authorized", "GET,HEAD"),
        ("GET", "/oauth2/apps/app-1/secret", "POST"),
        ("OPTIONS", "/acme/consent", "GET,HEAD,POST"),
        ("GET", "/acme/oauth2/consents/app-1/withdraw", "POST"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = send(recorder.gateway(), request).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{method} {path}");
        assert_page(&answer, path);
    }
    assert!(recorder.pages.methods().is_empty());
}

#[tokio::test]
async fn an_unknown_path_is_a_page_for_people_and_json_for_programs() {
    let recorder = Arc::new(Recorder::default());
    for path in ["/", "/nothing", "/login/x", "/default/nothing/else"] {
        let request = Request::get(path).header("accept", "text/html,*/*;q=0.8").body(Body::empty()).unwrap();
        let page = send(recorder.gateway(), request).await;
        assert_eq!(page.status, 404, "{path}");
        assert_page(&page, path);
        assert_eq!(get(recorder.gateway(), path).await.error(), "404 not_found");
    }
}

/// M3: one path to each page of the default workspace, and none that needs decoding.
#[tokio::test]
async fn a_page_has_one_path() {
    let recorder = Arc::new(Recorder::default());
    for path in ["/default/login", "/%61cme/login", "/Acme/oauth2/apps", "/oauth2/apps/%2e%2e"] {
        let page = visit(recorder.gateway(), path).await;
        assert_eq!(page.status, 404, "{path}");
        assert_page(&page, path);
    }
    assert!(recorder.pages.methods().is_empty());
}

#[tokio::test]
async fn a_form_is_held_to_the_limits_of_every_body() {
    let recorder = Arc::new(Recorder::default());
    let large = format!("username={}", "a".repeat(70_000));
    assert_eq!(submit(recorder.gateway(), "/login", &large).await.status, 413);
    assert_eq!(submit(recorder.gateway(), "/login?password=x", "username=a").await.status, 400);
    assert_eq!(submit(recorder.gateway(), "/login", "username=a&username=b&password=c").await.status, 400);
    let json = Request::post("/login").header("content-type", "application/json").body(Body::from("{}")).unwrap();
    assert_eq!(send(recorder.gateway(), json).await.status, 400);
    assert!(recorder.pages.methods().is_empty());
}

#[tokio::test]
async fn a_fault_of_a_service_is_a_page_without_its_words() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("list_applications", tonic::Status::internal("canary"));
    recorder.pages.refuse("get_sign_in", jeton::grpc::status::refuse(OAuthError::unavailable("canary")));
    for (path, status) in [("/oauth2/apps", 500), ("/login", 503)] {
        let page = visit(recorder.gateway(), path).await;
        assert_eq!(page.status.as_u16(), status);
        assert!(!page.body.contains("canary"));
        assert_page(&page, path);
    }
}

#[tokio::test]
async fn a_page_that_hangs_or_panics_is_a_page_all_the_same() {
    let recorder = Arc::new(Recorder::default());
    *recorder.pages.hangs.lock().unwrap() = "get_sign_out";
    let slow = visit(recorder.gateway(), "/logout").await;
    assert_eq!((slow.status.as_u16(), slow.header("retry-after")), (503, "1"));
    assert_page(&slow, "slow");
    *recorder.pages.panics.lock().unwrap() = "get_sign_out";
    let broken = visit(recorder.gateway(), "/acme/logout").await;
    assert_eq!(broken.status, 500);
    assert!(!broken.body.contains("canary"));
    assert_page(&broken, "broken");
}
