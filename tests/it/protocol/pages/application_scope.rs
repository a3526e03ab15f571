//! What a person can give an application, and what an operator's word stays (threats I2 and I3).

use jeton::pb::pages::v1::application_service_server::ApplicationService;
use jeton::pb::pages::v1::{ApplicationForm, GetApplicationFormRequest, GetApplicationRequest};
use jeton::pb::v1::{ClientMetadata, GetClientRequest, GrantType, Lifetimes, TokenEndpointAuthMethod, UpdateClientRequest};

use super::application::{form, register, server, update};
use super::visitor::Visitor;
use crate::support::clients::Party;
use crate::support::server::Server;
use crate::support::surface::{Api, Surface, oauth_refusal};

async fn stored(server: &Server, client_id: &str) -> ClientMetadata {
    let request = GetClientRequest { workspace: String::new(), client_id: client_id.to_owned() };
    server.clients().get_client(server.as_admin(request)).await.unwrap().into_inner().client.unwrap().metadata.unwrap()
}

fn with_scopes(scopes: &[&str]) -> ApplicationForm {
    ApplicationForm { scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(), ..form() }
}

/// Threat I3: an application acts for people who allow it, never for itself.
#[tokio::test]
async fn a_persons_application_cannot_act_for_itself() {
    let api = Api { server: server().await, surface: Surface::Rest };
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let registered = register(&alice, form()).await.unwrap();
    let client_id = registered.application.unwrap().client_id;
    let metadata = stored(&api.server, &client_id).await;
    assert_eq!(metadata.grant_types().collect::<Vec<_>>(), [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(metadata.token_endpoint_auth_method(), TokenEndpointAuthMethod::ClientSecretBasic);
    let client = Party { workspace: String::new(), client_id, secret: Some(registered.client_secret) };
    assert_eq!(api.client_credentials(&client, "read").await.unwrap_err().error, "unauthorized_client");
}

/// Threats I2 and I3: only what the registry offers, by registration and by update alike.
#[tokio::test]
async fn a_scope_beyond_the_registry_is_refused() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let root = Visitor::of(&server, 'I', "root").await;
    let application = register(&alice, form()).await.unwrap().application.unwrap();
    let restricted = "scopes has one that only an administrator may give to an application";
    let unknown = "scopes has one that the scope registry of this workspace does not have";
    let malformed = "scopes has a name that no scope can have, or has too many";
    for (scopes, words) in [
        (&["read", "admin"][..], restricted),
        (&["secret"], unknown),
        (&["*"], unknown),
        (&["read", ""], malformed),
        (&["\"read\""], malformed),
    ] {
        let refused = oauth_refusal(&register(&alice, with_scopes(scopes)).await.unwrap_err());
        assert_eq!(refused.to_string(), format!("invalid_client_metadata: {words}"), "{scopes:?}");
        let refused = oauth_refusal(&update(&alice, &application, with_scopes(scopes)).await.unwrap_err());
        assert_eq!(refused.to_string(), format!("invalid_client_metadata: {words}"), "{scopes:?}");
    }
    // What an administrator gave, the owner may keep, and not get back.
    let raised = update(&root, &application, with_scopes(&["read", "admin"])).await.unwrap();
    let kept = update(&alice, &raised, with_scopes(&["admin", "write"])).await.unwrap();
    assert_eq!(kept.form.clone().unwrap().scopes, ["admin", "write"]);
    let lowered = update(&alice, &kept, with_scopes(&["write"])).await.unwrap();
    let refused = oauth_refusal(&update(&alice, &lowered, with_scopes(&["admin"])).await.unwrap_err());
    assert_eq!(refused.description, restricted);
    let refused = oauth_refusal(&update(&root, &lowered, with_scopes(&["secret"])).await.unwrap_err());
    assert_eq!(refused.description, unknown);
}

/// Threat I2: the verdict on redirect URIs and names is that of every registration.
#[tokio::test]
async fn a_form_is_judged_like_a_registration() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let application = register(&alice, form()).await.unwrap().application.unwrap();
    for (uris, native) in [
        (&[][..], false),
        (&["http://app.example.org/cb"], false),
        (&["javascript:alert(1)"], true),
        (&["com.example.app:/cb"], false),
    ] {
        let redirect_uris = uris.iter().map(|&uri| uri.to_owned()).collect::<Vec<_>>();
        let form = ApplicationForm { redirect_uris, native, ..form() };
        let refused = oauth_refusal(&register(&alice, form.clone()).await.unwrap_err());
        assert_eq!(refused.error, "invalid_redirect_uri", "{uris:?}");
        let refused = oauth_refusal(&update(&alice, &application, form).await.unwrap_err());
        assert_eq!(refused.error, "invalid_redirect_uri", "{uris:?}");
    }
    for name in ["", "two\nlines"] {
        let form = ApplicationForm { name: name.to_owned(), ..form() };
        let refused = oauth_refusal(&register(&alice, form).await.unwrap_err());
        assert_eq!(refused.error, "invalid_client_metadata");
    }
}

/// What an operator gave an application stands in its form, so that saving it takes nothing away: a client that lost a
/// scope has lost every grant with it.
#[tokio::test]
async fn a_form_shows_every_scope_that_the_application_has() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let application = register(&alice, with_scopes(&["read"])).await.unwrap().application.unwrap();
    let scope = "read admin undescribed".to_owned();
    let metadata = ClientMetadata { scope, ..stored(&server, &application.client_id).await };
    let client_id = application.client_id.clone();
    let request = UpdateClientRequest { client_id: client_id.clone(), metadata: Some(metadata), ..Default::default() };
    server.clients().update_client(server.as_admin(request)).await.unwrap();
    let request = GetApplicationRequest { workspace: String::new(), client_id: client_id.clone() };
    let shown = alice.applications().get_application(alice.ask(request)).await.unwrap().into_inner();
    let names: Vec<_> = shown.scopes.iter().map(|scope| (scope.name.as_str(), scope.description.as_str())).collect();
    let expected =
        [("read", "See your notes"), ("write", "Change your notes"), ("admin", "Change everything"), ("undescribed", "")];
    assert_eq!(names, expected);
    let application = shown.application.unwrap();
    let same = application.form.clone().unwrap();
    update(&alice, &application, ApplicationForm { name: "Renamed".to_owned(), ..same }).await.unwrap();
    assert_eq!(stored(&server, &client_id).await.scope, "read admin undescribed");
    let offered = alice.applications().get_application_form(alice.ask(GetApplicationFormRequest::default())).await.unwrap();
    assert_eq!(offered.into_inner().scopes.len(), 2, "a new one may have no more than before");
}

/// A form says four things; the rest of a client is an operator's word and stays.
#[tokio::test]
async fn an_update_keeps_what_an_operator_set() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let application = register(&alice, with_scopes(&["read", "write"])).await.unwrap().application.unwrap();
    let by_operator = ClientMetadata {
        default_scope: "read".to_owned(),
        default_audience: "https://api.example.org".to_owned(),
        client_uri: "https://app.example.org/".to_owned(),
        brand_color: "#123456".to_owned(),
        lifetimes: Some(Lifetimes { access_token_seconds: 120, ..Lifetimes::default() }),
        grant_types: vec![GrantType::AuthorizationCode.into()],
        ..stored(&server, &application.client_id).await
    };
    let request = UpdateClientRequest {
        client_id: application.client_id.clone(),
        metadata: Some(by_operator.clone()),
        ..UpdateClientRequest::default()
    };
    let revision = server.clients().update_client(server.as_admin(request)).await.unwrap().into_inner().client.unwrap().revision;
    let before = jeton::pb::pages::v1::Application { revision, ..application };
    let native = ApplicationForm { native: true, name: "Renamed".to_owned(), ..with_scopes(&["read", "write"]) };
    let changed = update(&alice, &before, native).await.unwrap();
    let after = stored(&server, &before.client_id).await;
    let page = "https://id.example.org/authorized".to_owned();
    assert_eq!(after.redirect_uris, ["https://app.example.org/cb".to_owned(), page]);
    assert_eq!(after.client_name, "Renamed");
    let same = ClientMetadata {
        client_name: by_operator.client_name.clone(),
        redirect_uris: by_operator.redirect_uris.clone(),
        application_type: by_operator.application_type,
        ..after
    };
    assert_eq!(same, by_operator);
    // Without the box, the code page goes with it.
    update(&alice, &changed, with_scopes(&["write"])).await.unwrap();
    let after = stored(&server, &before.client_id).await;
    assert_eq!(after.redirect_uris, ["https://app.example.org/cb"]);
    assert_eq!((after.scope.as_str(), after.default_scope.as_str()), ("write", "write"));
}
