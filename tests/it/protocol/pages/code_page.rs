//! The page that shows a code to the person who copies it.

use jeton::pb::pages::v1::interaction_service_server::InteractionService;
use jeton::pb::pages::v1::{GetCodeRequest, GetCodeResponse};
use jeton::pb::v1::ClientMetadata;
use tonic::Status;

use super::visitor::Visitor;
use crate::support::clients::{Party, web};
use crate::support::server::Server;
use crate::support::surface::{Api, Surface, oauth_refusal};
use crate::support::web::parameter;

const PAGE: &str = "https://id.example.org/authorized";

async fn api() -> (Api, Party) {
    let server = Server::start().await;
    server.enroll("alice", false).await;
    server.describe("read", "See your notes", false).await;
    let client = server.register(ClientMetadata { redirect_uris: vec![PAGE.to_owned()], ..web() }).await;
    (Api { server, surface: Surface::Rest }, client)
}

async fn code(visitor: &Visitor<'_>, handle: &str) -> Result<GetCodeResponse, Status> {
    let request = GetCodeRequest { workspace: String::new(), handle: handle.to_owned() };
    Ok(visitor.interactions().get_code(visitor.ask(request)).await?.into_inner())
}

/// The code stands in no URL, and is shown to the browser that asked, with whom it is for and what it gives.
#[tokio::test]
async fn a_code_is_shown_to_the_person_and_is_good_without_pkce() {
    let (api, client) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let changes = [("redirect_uri", PAGE), ("code_challenge", ""), ("code_challenge_method", ""), ("state", "")];
    let handle = alice.begin(&client, &changes).await;
    assert!(alice.consent_page(&handle).await.shows_code);
    let page = alice.decide(&handle, true).await.unwrap();
    assert_eq!(page, format!("{PAGE}?handle={handle}"));
    let shown = code(&alice, &handle).await.unwrap();
    assert_eq!((shown.client_name.as_str(), shown.expires_in), ("Web", 600));
    assert_eq!((shown.scopes[0].name.as_str(), shown.scopes[0].description.as_str()), ("read", "See your notes"));
    assert_eq!(shown.branding.unwrap().name, "jeton");
    assert_eq!(code(&alice, &handle).await.unwrap().code, shown.code);
    let tokens = api.redeem_with(&client, &shown.code, &[("redirect_uri", PAGE)]).await.unwrap();
    assert_eq!(tokens.scope, "read");
    let used = oauth_refusal(&code(&alice, &handle).await.unwrap_err());
    assert_eq!(used.to_string(), "invalid_request: the code was already used, so it is not shown again");
}

/// Threat J3: another browser sees nothing, nor does anybody before the decision, after a refusal or after the end.
#[tokio::test]
async fn a_code_is_shown_to_nobody_else() {
    let (api, client) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let handle = alice.begin(&client, &[("redirect_uri", PAGE)]).await;
    assert_eq!(oauth_refusal(&code(&alice, &handle).await.unwrap_err()).error, "invalid_request");
    alice.decide(&handle, true).await.unwrap();
    let mallory = Visitor::of(&api.server, 'E', "alice").await;
    assert_eq!(oauth_refusal(&code(&mallory, &handle).await.unwrap_err()).error, "invalid_request");
    assert!(code(&alice, &handle).await.is_ok());
    api.server.clock.advance_seconds(600);
    assert_eq!(oauth_refusal(&code(&alice, &handle).await.unwrap_err()).error, "invalid_request");

    let denied = alice.begin(&client, &[("redirect_uri", PAGE)]).await;
    let redirected = alice.decide(&denied, false).await.unwrap();
    assert_eq!(parameter(&redirected, "error").as_deref(), Some("access_denied"));
    assert_eq!(oauth_refusal(&code(&alice, &denied).await.unwrap_err()).error, "invalid_request");
}
