//! A person's applications: listing, registering, editing, rotating, deleting.

use std::sync::Arc;

use jeton::grpc::status::{refuse, refuse_management};
use jeton::types::error::{ErrorCode, OAuthError, Refusal};

use super::super::recorder::Recorder;
use super::fake::Sent;
use super::{submit, visit};

const TYPED: &str = "csrf_token=t&name=+My+tool+&redirect_uris=https%3A%2F%2Fa.example%2Fcb%0D%0A%0D%0A++https%3A%2F%2Fb.example%2Fcb++&native=yes&scope=read%3Aanalysis&scope=offline&revision=7";

#[tokio::test]
async fn the_list_leads_to_each_application_and_to_its_next_page() {
    let recorder = Arc::new(Recorder::default());
    let page = visit(recorder.gateway(), "/acme/oauth2/apps").await;
    assert!(page.body.contains(r#"<a href="/acme/oauth2/apps/app-1"><bdi>Reports</bdi></a>"#));
    assert!(page.body.contains("Registered on 21 November 2026") && page.body.contains("Disabled"));
    assert!(page.body.contains(r#"href="/acme/oauth2/apps?page_token=next%26page""#));
    visit(recorder.gateway(), "/acme/oauth2/apps?page_token=next%26page").await;
    let Sent::List(sent) = recorder.pages.last().sent else { panic!("a list") };
    assert_eq!((sent.workspace.as_str(), sent.page_token.as_str()), ("acme", "next&page"));
    *recorder.pages.empty.lock().unwrap() = true;
    let empty = visit(recorder.gateway(), "/oauth2/apps").await;
    assert!(empty.body.contains("There are no applications yet.") && empty.body.contains("/oauth2/apps/new"));
}

#[tokio::test]
async fn a_registration_shows_the_secret_this_once() {
    let recorder = Arc::new(Recorder::default());
    let page = submit(recorder.gateway_at("https://id.example"), "/acme/oauth2/apps", TYPED).await;
    assert_eq!(page.status, 201);
    assert_eq!(page.body.matches("the-client-secret").count(), 1);
    assert!(page.body.contains("Copy the secret now.") && page.body.contains(r#"value="app-1" readonly"#));
    assert!(page.body.contains("curl https://id.example/acme/oauth2/token"));
    assert!(page.body.contains("redirect_uri=https://id.example/acme/authorized"));
    let Sent::Register(sent) = recorder.pages.last().sent else { panic!("a registration") };
    let form = sent.form.unwrap();
    assert_eq!(sent.csrf_token, "t");
    assert_eq!(form.name, "My tool");
    assert_eq!(form.redirect_uris, ["https://a.example/cb", "https://b.example/cb"]);
    assert_eq!(form.scopes, ["read:analysis", "offline"]);
    assert!(form.native);
}

#[tokio::test]
async fn a_box_that_is_not_ticked_says_no() {
    let recorder = Arc::new(Recorder::default());
    submit(recorder.gateway(), "/oauth2/apps", "csrf_token=t&name=x&redirect_uris=").await;
    let Sent::Register(sent) = recorder.pages.last().sent else { panic!("a registration") };
    let form = sent.form.unwrap();
    assert!(!form.native && form.scopes.is_empty() && form.redirect_uris.is_empty());
}

/// What was typed is shown again, and the message stands at its field.
#[tokio::test]
async fn a_form_that_must_be_mended_is_shown_again() {
    let field = |name, why: &'static str| refuse_management(Refusal::InvalidField(name, why.into()));
    let metadata = |sentence: &'static str| refuse(OAuthError::new(ErrorCode::InvalidClientMetadata, sentence));
    for (status, problem, expected) in [
        (field("name", "must have 1 to 100 characters"), "name-problem", "The name must have 1 to 100 characters"),
        (field("redirect_uris", "must be https"), "redirect_uris-problem", "A redirect URI must be https"),
        (refuse(OAuthError::new(ErrorCode::InvalidRedirectUri, "no fragment")), "redirect_uris-problem", "no fragment"),
        (refuse(OAuthError::invalid_scope("unknown scope")), "scopes-problem", "unknown scope"),
        (metadata("client_name must be shorter"), "name-problem", "The name must be shorter"),
        (metadata("scopes has one too many"), "scopes-problem", "The choice of scopes has one too many"),
        (metadata("not so"), "", "not so"),
    ] {
        for (path, method) in [("/oauth2/apps", "register_application"), ("/oauth2/apps/app-1", "update_application")] {
            let recorder = Arc::new(Recorder::default());
            recorder.pages.refuse(method, status.clone());
            let page = submit(recorder.gateway(), path, TYPED).await;
            assert_eq!(page.status, 400, "{path} {expected}");
            assert!(page.body.contains(r#"name="name" value="My tool""#), "{path}");
            assert!(page.body.contains("\nhttps://a.example/cb\nhttps://b.example/cb</textarea>"), "{path}");
            assert!(page.body.contains(r#"name="native" value="yes" aria-describedby="native-hint" checked"#), "{path}");
            assert!(page.body.contains(r#"role="alert""#) && page.body.contains(expected), "{path} {expected}");
            assert_eq!(page.body.matches("checked").count(), 3, "{path}");
            if !problem.is_empty() {
                assert!(page.body.contains(&format!(r#"<p class="problem" id="{problem}">{expected}</p>"#)), "{path} {expected}");
                assert!(page.body.matches(problem).count() == 2, "{path} {expected}");
            }
        }
    }
}

#[tokio::test]
async fn an_application_that_changed_meanwhile_is_409_with_its_new_revision() {
    let recorder = Arc::new(Recorder::default());
    recorder.pages.refuse("update_application", refuse_management(Refusal::Changed("the client changed")));
    let page = submit(recorder.gateway(), "/oauth2/apps/app-1", &TYPED.replace("revision=7", "revision=6")).await;
    assert_eq!(page.status, 409);
    assert!(page.body.contains(r#"name="revision" value="7""#) && page.body.contains("was changed elsewhere"));
    assert_eq!(submit(recorder.gateway(), "/oauth2/apps/app-1", "revision=x").await.status, 400);
}

#[tokio::test]
async fn an_application_shows_its_consent_url_and_the_age_of_its_secrets() {
    let recorder = Arc::new(Recorder::default());
    let page = visit(recorder.gateway(), "/oauth2/apps/app-1").await;
    assert!(page.body.contains("https://id.example/oauth2/authorize?response_type=code&#38;client_id=app-1</textarea>"));
    assert!(page.body.contains("Made on 21 November 2026, ends on 22 November 2026, 15:44 UTC"));
    assert!(page.body.contains("Made on 21 November 2026, does not end"));
    assert!(page.body.contains("\nhttps://reports.example/cb</textarea>"), "the code page is the box, not a line");
    assert!(!page.body.contains("the-client-secret") && !page.body.contains("Saved."));
    let saved = visit(recorder.gateway(), "/oauth2/apps/app-1?saved=1").await;
    assert!(saved.body.contains(r#"<p class="done" role="status">Saved.</p>"#));
}

#[tokio::test]
async fn what_is_saved_leads_back_to_the_application() {
    let recorder = Arc::new(Recorder::default());
    let answer = submit(recorder.gateway(), "/acme/oauth2/apps/app-1", TYPED).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/acme/oauth2/apps/app-1?saved=1"));
    let Sent::Update(sent) = recorder.pages.last().sent else { panic!("an update") };
    assert_eq!((sent.client_id.as_str(), sent.revision, sent.csrf_token.as_str()), ("app-1", 7, "t"));
}

#[tokio::test]
async fn a_new_secret_leaves_the_old_one_the_chosen_time() {
    let recorder = Arc::new(Recorder::default());
    for (overlap, seconds) in [("now", 0), ("1h", 3600), ("1d", 86_400), ("7d", 604_800)] {
        let form = format!("csrf_token=t&overlap={overlap}");
        let page = submit(recorder.gateway(), "/oauth2/apps/app-1/secret", &form).await;
        assert_eq!(page.body.matches("the-client-secret").count(), 1);
        assert!(page.body.contains("The secret before this one ends on 22 November 2026, 15:44 UTC."));
        let Sent::Rotate(sent) = recorder.pages.last().sent else { panic!("a rotation") };
        assert_eq!((sent.client_id.as_str(), sent.overlap_seconds, sent.csrf_token.as_str()), ("app-1", seconds, "t"));
    }
}

#[tokio::test]
async fn deleting_is_asked_first() {
    let recorder = Arc::new(Recorder::default());
    let page = visit(recorder.gateway(), "/oauth2/apps/app-1/delete").await;
    assert!(page.body.contains("Delete <bdi>Reports</bdi>?"));
    assert_eq!(recorder.pages.methods(), ["get_application"]);
    let answer = submit(recorder.gateway(), "/oauth2/apps/app-1/delete", "csrf_token=t").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/oauth2/apps"));
    let Sent::Delete(sent) = recorder.pages.last().sent else { panic!("a deletion") };
    assert_eq!((sent.client_id.as_str(), sent.csrf_token.as_str()), ("app-1", "t"));
}
