//! J1: whatever a client, an operator or a person is called, on a page it is text.

use std::sync::Arc;

use jeton::grpc::status::{refuse, refuse_management};
use jeton::types::error::{OAuthError, Refusal};

use super::super::recorder::Recorder;
use super::{FORMS, PAGES, submit, visit};

/// Families of payloads: elements, broken-out attributes, handlers, schemes, styles, templates, entities.
const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "</textarea><svg/onload=alert(1)>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "\" autofocus onfocus=alert(1) x=\"",
    "' onmouseover='alert(1)",
    "javascript:alert(1)//<b>",
    "data:text/html,<script>alert(1)</script>",
    "{{7*7}}<b>",
    "&lt;script&gt;<i>",
    "<!--<script>-->",
    "]]><script>",
    "<math><mi xlink:href=\"javascript:alert(1)\">",
    "<a href=https://evil.example>click</a>",
    "<form action=https://evil.example><input name=password>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<base href=https://evil.example>",
    "#fff;}body{background:url(https://evil.example)}<b>",
];

/// The page's tags, each once as it stands: what an attacker would have to add to.
fn tags(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in html.split('<').skip(1) {
        found.push(part.split('>').next().unwrap().to_owned());
    }
    found
}

fn assert_inert(html: &str, payload: &str, page: &str) {
    assert!(!html.contains(payload), "{page} repeats {payload}");
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(!style.contains("evil.example") && !style.contains('<'), "{page}: {payload}");
    for tag in tags(&html.replace(style, "")) {
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let strange = ["script", "svg", "math", "b", "i", "base", "iframe"].contains(&name.as_str());
        assert!(!strange && !tag.starts_with("!--") && !tag.contains("javascript:alert(1)\""), "{page}: <{tag}>");
        // Inside a quoted attribute everything is text, so what stands outside of quotes is looked at.
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains("onerror") && !outside.contains("onfocus") && !outside.contains("onmouse"), "{page}: <{tag}>");
        assert!(!outside.contains("evil.example") && !outside.contains("http-equiv"), "{page}: <{tag}>");
        assert!(!tag.contains("href=\"javascript:") && !tag.contains("href=\"data:") && !tag.contains("src=\"data:"), "{page}");
    }
}

#[tokio::test]
async fn every_text_of_every_page_is_escaped() {
    for payload in PAYLOADS {
        let recorder = Arc::new(Recorder::default());
        *recorder.pages.hostile.lock().unwrap() = Some((*payload).to_owned());
        for (path, status) in PAGES {
            let page = visit(recorder.gateway(), path).await;
            assert_eq!(page.status.as_u16(), *status, "{path}");
            assert_inert(&page.body, payload, path);
        }
        for (path, form) in FORMS {
            let page = submit(recorder.gateway(), path, form).await;
            if page.status != 303 {
                assert_inert(&page.body, payload, path);
            }
        }
    }
}

#[tokio::test]
async fn what_is_typed_is_shown_again_as_text() {
    for payload in PAYLOADS {
        let recorder = Arc::new(Recorder::default());
        recorder.pages.refuse("sign_in", refuse(OAuthError::invalid_grant((*payload).to_owned())));
        let field = || Refusal::InvalidField("name", (*payload).to_owned().into());
        recorder.pages.refuse("register_application", refuse_management(field()));
        recorder.pages.refuse("update_application", refuse_management(field()));
        let typed: String = form_urlencoded::byte_serialize(payload.as_bytes()).collect();
        let form = format!(
            "csrf_token={typed}&handle={typed}&username={typed}&password={typed}&name={typed}&redirect_uris={typed}&scope={typed}&revision=1"
        );
        for path in ["/login", "/oauth2/apps", "/oauth2/apps/app-1"] {
            let page = submit(recorder.gateway(), path, &form).await;
            assert_eq!(page.status, 400, "{path}");
            assert_inert(&page.body, payload, path);
        }
        for path in ["/login", "/consent"] {
            recorder.pages.refuse("get_sign_in", refuse(OAuthError::invalid_request((*payload).to_owned())));
            recorder.pages.refuse("get_interaction", refuse(OAuthError::invalid_request((*payload).to_owned())));
            let page = visit(recorder.gateway(), &format!("{path}?handle={typed}")).await;
            assert_eq!(page.status, 400, "{path}");
            assert_inert(&page.body, payload, path);
        }
    }
}
