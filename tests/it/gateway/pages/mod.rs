//! The pages of the gateway, over services that record what they were sent.

mod accounts;
mod applications;
pub mod fake;
mod hostile;
mod requests;
mod visits;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;

use super::recorder::{Answer, send};

/// What a browser has that was here before and whose person is signed in to the default workspace.
const COOKIES: &str = "jeton_browser=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; jeton_session=session-1";

/// Every page, and the status that it has when all is well.
const PAGES: &[(&str, u16)] = &[
    ("/login", 200),
    ("/login?handle=h1", 200),
    ("/consent?handle=h1", 200),
    ("/authorized?handle=h1", 200),
    ("/authorized?error=access_denied", 200),
    ("/authorized?error=server_error", 400),
    ("/authorized", 400),
    ("/logout", 200),
    ("/oauth2/apps", 200),
    ("/oauth2/apps/new", 200),
    ("/oauth2/apps/app-1", 200),
    ("/oauth2/apps/app-1?saved=1", 200),
    ("/oauth2/apps/app-1/delete", 200),
    ("/oauth2/consents", 200),
    ("/consent?handle=%ff", 400),
    ("/oauth2/apps/%61", 404),
];

/// Every form, with what makes it good.
const FORMS: &[(&str, &str)] = &[
    ("/login", "csrf_token=t&handle=h1&username=alice&password=pw"),
    ("/consent", "csrf_token=t&handle=h1&decision=allow"),
    ("/logout", "csrf_token=t"),
    ("/oauth2/apps", "csrf_token=t&name=Shop&redirect_uris=https%3A%2F%2Fshop.example%2Fcb&scope=read"),
    ("/oauth2/apps/app-1", "csrf_token=t&name=Shop&redirect_uris=https%3A%2F%2Fshop.example%2Fcb&revision=7"),
    ("/oauth2/apps/app-1/secret", "csrf_token=t&overlap=1d"),
    ("/oauth2/apps/app-1/delete", "csrf_token=t"),
    ("/oauth2/consents/app-1/withdraw", "csrf_token=t"),
];

async fn visit(gateway: Router, path: &str) -> Answer {
    visit_with(gateway, path, COOKIES).await
}

async fn visit_with(gateway: Router, path: &str, cookies: &str) -> Answer {
    send(gateway, Request::get(path).header("cookie", cookies).body(Body::empty()).unwrap()).await
}

async fn submit(gateway: Router, path: &str, form: &str) -> Answer {
    submit_with(gateway, path, form, &[("cookie", COOKIES)]).await
}

async fn submit_with(gateway: Router, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(gateway, request.body(Body::from(form.to_owned())).unwrap()).await
}
