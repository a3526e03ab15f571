//! What comes next of an authorization request (OpenID Connect Core 1.0 section 3.1.2): a sign-in, a consent, its end.

use jeton::pb::admin::v1::{SetClientDisabledRequest, WorkspaceSettings};
use jeton::pb::pages::v1::get_interaction_response::Next;
use jeton::pb::pages::v1::interaction_service_server::InteractionService;
use jeton::pb::pages::v1::{GetInteractionRequest, GetSignInRequest};
use jeton::pb::v1::{ApplicationType, ClientMetadata};
use tonic::{Code, Request};

use super::visitor::{Visitor, name};
use crate::support::clients::{native, web};
use crate::support::server::Server;
use crate::support::surface::oauth_refusal;
use crate::support::web::parameter;

async fn server() -> Server {
    let server = Server::start().await;
    server.enroll("alice", false).await;
    server
}

/// What came next, with the error of a redirect.
async fn outcome(visitor: &Visitor<'_>, handle: &str) -> String {
    match visitor.next(handle).await.unwrap() {
        Next::RedirectUri(uri) => parameter(&uri, "error").unwrap_or_else(|| {
            assert!(parameter(&uri, "code").is_some(), "{uri}");
            "code".to_owned()
        }),
        other => name(&other).to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Session {
    None,
    Before,
    After,
}

/// Section 3.1.2.1: `prompt` against the session and the consent that the person gave before.
#[tokio::test]
async fn prompt_session_and_consent_decide_what_comes_next() {
    use Session::{After, Before, None};
    // A new sign-in is asked for by `login`; consent that was given counts, unless it is asked for.
    for (prompt, session, without_consent, with_consent) in [
        ("", None, "sign-in", "sign-in"),
        ("", Before, "consent", "code"),
        ("", After, "consent", "code"),
        ("none", None, "login_required", "login_required"),
        ("none", Before, "consent_required", "code"),
        ("login", None, "sign-in", "sign-in"),
        ("login", Before, "sign-in", "sign-in"),
        ("login", After, "consent", "code"),
        ("select_account", Before, "sign-in", "sign-in"),
        ("select_account", After, "consent", "code"),
        ("consent", None, "sign-in", "sign-in"),
        ("consent", Before, "consent", "consent"),
        ("login consent", Before, "sign-in", "sign-in"),
        ("login consent", After, "consent", "consent"),
    ] {
        for (consented, expected) in [(false, without_consent), (true, with_consent)] {
            let server = server().await;
            let client = server.register(web()).await;
            let mut alice = Visitor::of(&server, 'A', "alice").await;
            if consented {
                let handle = alice.begin(&client, &[]).await;
                alice.decide(&handle, true).await.unwrap();
            }
            if session != Before {
                alice.session = Option::None;
            }
            server.clock.advance_millis(1);
            let handle = alice.begin(&client, &[("prompt", prompt)]).await;
            if session == After {
                alice.sign_in("alice").await.unwrap();
            }
            let case = format!("prompt={prompt}, {session:?}, consented: {consented}");
            assert_eq!(outcome(&alice, &handle).await, expected, "{case}");
            // Asking again answers the same.
            assert_eq!(outcome(&alice, &handle).await, expected, "{case}, again");
        }
    }
}

/// Section 3.1.2.1: `max_age` counts from the sign-in; who has signed in for the request need not do it twice.
#[tokio::test]
async fn an_old_sign_in_does_not_satisfy_max_age() {
    let server = server().await;
    let client = server.register(web()).await;
    let mut alice = Visitor::of(&server, 'A', "alice").await;
    server.clock.advance_seconds(60);
    for (max_age, expected) in [("60", "consent"), ("59", "sign-in"), ("0", "sign-in")] {
        let handle = alice.begin(&client, &[("max_age", max_age)]).await;
        assert_eq!(outcome(&alice, &handle).await, expected, "{max_age}");
    }
    let handle = alice.begin(&client, &[("max_age", "0")]).await;
    alice.sign_in("alice").await.unwrap();
    server.clock.advance_seconds(30);
    assert_eq!(outcome(&alice, &handle).await, "consent");
    assert!(alice.decide(&handle, true).await.is_ok());
    let silent = alice.begin(&client, &[("max_age", "0"), ("prompt", "none")]).await;
    assert_eq!(outcome(&alice, &silent).await, "login_required");
}

/// The page says who asks, for what in words, and where the answer goes.
#[tokio::test]
async fn the_consent_page_shows_everything_that_is_asked() {
    let server = server().await;
    server.describe("read", "See your notes", false).await;
    let metadata =
        ClientMetadata { client_uri: "https://app.example.org/about".to_owned(), brand_color: "#1C6E8C".to_owned(), ..web() };
    let client = server.register(metadata).await;
    let settings = WorkspaceSettings {
        display_name: "Acme".to_owned(),
        logo_uri: "https://acme.example.org/logo.svg".to_owned(),
        brand_color: "#000000".to_owned(),
        ..WorkspaceSettings::default()
    };
    server.set_workspace("default", settings).await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let handle = alice.begin(&client, &[("scope", "read write")]).await;
    let page = alice.consent_page(&handle).await;
    let branding = page.branding.unwrap();
    assert_eq!(
        (branding.name.as_str(), branding.logo_uri.as_str(), branding.color.as_str()),
        ("Acme", "https://acme.example.org/logo.svg", "#1c6e8c")
    );
    let scopes: Vec<_> = page.scopes.iter().map(|scope| (scope.name.as_str(), scope.description.as_str())).collect();
    assert_eq!(scopes, [("read", "See your notes"), ("write", "")]);
    assert_eq!((page.client_id, page.client_name.as_str()), (client.client_id.clone(), "Web"));
    assert_eq!(page.client_uri, "https://app.example.org/about");
    assert_eq!((page.redirect_host.as_str(), page.form_target.as_str()), ("app.example.org", "https://app.example.org"));
    assert_eq!((page.person.unwrap().username.as_str(), page.shows_code), ("alice", false));
    let request = GetSignInRequest { workspace: String::new(), handle };
    let sign_in = alice.interactions().get_sign_in(alice.ask(request)).await.unwrap().into_inner();
    assert_eq!((sign_in.client_name.as_str(), sign_in.form_target.as_str()), ("Web", "https://app.example.org"));
    assert_ne!(sign_in.csrf_token, page.csrf_token, "that of a person's page is for that person alone");
}

/// Threat J3: whoever could pass for the client, or receive its answer, is shown to the person each time.
#[tokio::test]
async fn a_client_that_could_be_another_is_asked_about_each_time() {
    let server = server().await;
    let own_page = ["https://id.example.org/authorized".to_owned()];
    let public = ClientMetadata { application_type: ApplicationType::Web.into(), redirect_uris: web().redirect_uris, ..native() };
    let loopback = ClientMetadata { redirect_uris: vec!["http://127.0.0.1:9/cb".to_owned()], ..web() };
    let installed = ClientMetadata { application_type: ApplicationType::Native.into(), ..web() };
    let shown = ClientMetadata { redirect_uris: own_page.to_vec(), ..web() };
    for (metadata, code_is_shown) in [(public, false), (loopback, false), (installed, false), (shown, true)] {
        let redirect_uri = metadata.redirect_uris[0].clone();
        let client = server.register(metadata).await;
        let alice = Visitor::of(&server, 'A', "alice").await;
        for _ in 0..2 {
            let handle = alice.begin(&client, &[("redirect_uri", &redirect_uri)]).await;
            assert_eq!(alice.consent_page(&handle).await.shows_code, code_is_shown);
            alice.decide(&handle, true).await.unwrap();
        }
        let silent = alice.begin(&client, &[("redirect_uri", &redirect_uri), ("prompt", "none")]).await;
        let redirected = alice.redirected(&silent).await;
        assert_eq!(parameter(&redirected, "error").as_deref(), Some("consent_required"), "{redirect_uri}");
    }
}

/// A handle is worth nothing in another browser, and stays good in its own (threat J3).
#[tokio::test]
async fn a_request_is_unknown_to_another_browser() {
    let server = server().await;
    let client = server.register(web()).await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let handle = alice.begin(&client, &[]).await;
    let mallory = Visitor::of(&server, 'E', "alice").await;
    let other = "invalid_request: this request began in another browser, or its cookie is gone: start again from the application";
    assert_eq!(oauth_refusal(&mallory.next(&handle).await.err().unwrap()).to_string(), other);
    assert_eq!(oauth_refusal(&mallory.decide(&handle, true).await.unwrap_err()).to_string(), other);
    let request = GetSignInRequest { workspace: String::new(), handle: handle.clone() };
    let status = mallory.interactions().get_sign_in(mallory.ask(request)).await.unwrap_err();
    assert_eq!(oauth_refusal(&status).to_string(), other);
    assert_eq!(name(&alice.next(&handle).await.unwrap()), "consent");
}

#[tokio::test]
async fn a_request_ends_with_its_time_its_client_and_its_workspace() {
    let server = server().await;
    let client = server.register(web()).await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let words = async |handle: &str| oauth_refusal(&alice.next(handle).await.err().unwrap()).to_string();
    let unknown = "invalid_request: handle is unknown or has expired: the authorization request must be made again";
    assert_eq!(words("jah_nothing").await, unknown);
    let handle = alice.begin(&client, &[]).await;
    server.clock.advance_seconds(600);
    assert_eq!(words(&handle).await, unknown);

    let handle = alice.begin(&client, &[]).await;
    let disable = |disabled| SetClientDisabledRequest { workspace: String::new(), client_id: client.client_id.clone(), disabled };
    server.client_admin().set_client_disabled(server.as_admin(disable(true))).await.unwrap();
    assert_eq!(words(&handle).await, "unauthorized_client: the client was disabled or deleted meanwhile");
    server.client_admin().set_client_disabled(server.as_admin(disable(false))).await.unwrap();

    server.set_workspace("default", WorkspaceSettings { suspended: true, ..WorkspaceSettings::default() }).await;
    assert_eq!(words(&handle).await, "unauthorized_client: the workspace is suspended");
    let login_uri = "https://login.example.org/".to_owned();
    server.set_workspace("default", WorkspaceSettings { login_uri, ..WorkspaceSettings::default() }).await;
    let elsewhere = "unauthorized_client: the people of this workspace sign in at its login application, not here";
    assert_eq!(words(&handle).await, elsewhere);
}

/// The services rest on what only the gateway knows.
#[tokio::test]
async fn without_the_gateway_nothing_is_answered() {
    let server = server().await;
    let visitor = Visitor::new(&server, 'A');
    let request = GetInteractionRequest { workspace: String::new(), handle: "h".to_owned() };
    let status = visitor.interactions().get_interaction(Request::new(request)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "only the pages of the gateway may call this"));
}
