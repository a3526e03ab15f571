//! What a person allowed applications, and the sign-in that every page of theirs needs.

use std::sync::Arc;

use jeton::grpc::status::{refuse, refuse_management};
use jeton::types::error::{ErrorCode, OAuthError, Refusal};

use super::super::recorder::Recorder;
use super::fake::Sent;
use super::{FORMS, submit, visit};

const METHODS: &[&str] = &[
    "list_applications",
    "get_application_form",
    "get_application",
    "register_application",
    "update_application",
    "rotate_application_secret",
    "delete_application",
    "list_consents",
    "withdraw_consent",
];

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_sign_in() {
    let recorder = Arc::new(Recorder::default());
    for &method in METHODS {
        recorder.pages.refuse(method, refuse(OAuthError::new(ErrorCode::LoginRequired, "sign in")));
    }
    let pages = ["/oauth2/apps", "/oauth2/apps/new", "/oauth2/apps/app-1", "/oauth2/apps/app-1/delete", "/oauth2/consents"];
    for base in ["", "/acme"] {
        for page in pages {
            let answer = visit(recorder.gateway(), &format!("{base}{page}")).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, format!("{base}/login").as_str()), "{page}");
        }
        for (path, form) in FORMS.iter().filter(|(path, _)| path.starts_with("/oauth2")) {
            let answer = submit(recorder.gateway(), &format!("{base}{path}"), form).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, format!("{base}/login").as_str()), "{path}");
        }
    }
}

/// What may not be done and what is not there are said in words; no place to go is made up.
#[tokio::test]
async fn what_is_refused_is_a_page() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("get_application_form", refuse_management(Refusal::PermissionDenied("registration is off")));
    recorder.pages.refuse("get_application", refuse_management(Refusal::NotFound("there is no such application")));
    let refused = visit(recorder.gateway(), "/oauth2/apps/new").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("registration is off"));
    let missing = visit(recorder.gateway(), "/oauth2/apps/nothing").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("there is no such application"));
    let Sent::Client(asked) = recorder.pages.last().sent else { panic!("an application") };
    assert_eq!(asked, "nothing");
}

#[tokio::test]
async fn consents_are_listed_and_withdrawn() {
    let recorder = Arc::new(Recorder::default());
    let page = visit(recorder.gateway(), "/oauth2/consents").await;
    assert!(page.body.contains("Reports") && page.body.contains("Allowed on 21 November 2026"));
    assert!(page.body.contains(r#"action="/oauth2/consents/app-1/withdraw""#));
    let answer = submit(recorder.gateway(), "/oauth2/consents/app-1/withdraw", "csrf_token=t").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/oauth2/consents"));
    let Sent::Withdraw(sent) = recorder.pages.last().sent else { panic!("a withdrawal") };
    assert_eq!((sent.client_id.as_str(), sent.csrf_token.as_str()), ("app-1", "t"));
    *recorder.pages.empty.lock().unwrap() = true;
    assert!(visit(recorder.gateway(), "/oauth2/consents").await.body.contains("You have not allowed any application anything."));
}
