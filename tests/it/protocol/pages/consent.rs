//! Consent: given once, remembered, withdrawn (threats B4, C7 and J2).

use jeton::pb::admin::v1::{ListUserConsentsRequest, WithdrawUserConsentRequest};
use jeton::pb::pages::v1::application_service_server::ApplicationService;
use jeton::pb::pages::v1::interaction_service_server::InteractionService;
use jeton::pb::pages::v1::{ListConsentsRequest, SignOutRequest};
use jeton::pb::v1::ClientMetadata;
use tonic::Code;

use super::visitor::Visitor;
use crate::support::clients::{Party, web};
use crate::support::server::Server;
use crate::support::surface::{Api, Surface, Tokens, oauth_refusal};
use crate::support::web::parameter;

const ALREADY_DECIDED: &str = "invalid_request: the request of this handle was already decided";

async fn api() -> (Api, Party) {
    let server = Server::start().await;
    server.enroll("alice", false).await;
    let client = server.register(web()).await;
    (Api { server, surface: Surface::Rest }, client)
}

/// From the request over the consent page to tokens.
async fn tokens(api: &Api, client: &Party, alice: &Visitor<'_>, scope: &str) -> Tokens {
    let handle = alice.begin(client, &[("scope", scope)]).await;
    let code = parameter(&alice.decide(&handle, true).await.unwrap(), "code").unwrap();
    api.redeem(client, &code).await.unwrap()
}

/// RFC 6749 section 4.1.2: what the person allows ends in tokens for that person.
#[tokio::test]
async fn an_allowed_request_ends_in_tokens() {
    let (api, client) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let tokens = tokens(&api, &client, &alice, "read write").await;
    let shown = api.introspect(&client, &tokens.access_token).await.unwrap();
    assert_eq!((shown["sub"].as_str(), shown["scope"].as_str()), (Some("alice"), Some("read write")));
}

/// A form that is sent twice answers the same; one that says otherwise afterwards is refused in words.
#[tokio::test]
async fn a_decision_is_made_once() {
    let (api, client) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    for (first, error) in [(true, None), (false, Some("access_denied"))] {
        let handle = alice.begin(&client, &[("state", "s")]).await;
        let answered = alice.decide(&handle, first).await.unwrap();
        assert_eq!(alice.decide(&handle, first).await.unwrap(), answered);
        assert_eq!(parameter(&answered, "error").as_deref(), error);
        assert_eq!(parameter(&answered, "state").as_deref(), Some("s"));
        let otherwise = alice.decide(&handle, !first).await.unwrap_err();
        assert_eq!(oauth_refusal(&otherwise).to_string(), ALREADY_DECIDED);
    }
}

/// Threat J2: a form without this browser's token decides nothing.
#[tokio::test]
async fn a_foreign_form_decides_nothing() {
    let (api, client) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let handle = alice.begin(&client, &[]).await;
    let foreign = Visitor::new(&api.server, 'E').csrf_token().await;
    for token in ["", "x", &foreign] {
        for allow in [true, false] {
            let status = alice.decide_with(&handle, allow, token).await.unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied, "{token}");
        }
    }
    assert_eq!(alice.consent_page(&handle).await.client_name, "Web");
}

/// Threat J2: a page names the person that it asks.  When another one has signed in with the browser meanwhile, its
/// form decides nothing for that one.
#[tokio::test]
async fn a_form_that_was_made_for_one_person_decides_nothing_for_another() {
    let (api, client) = api().await;
    api.server.enroll("bob", false).await;
    let mut visitor = Visitor::of(&api.server, 'A', "alice").await;
    let handle = visitor.begin(&client, &[]).await;
    let page = visitor.consent_page(&handle).await;
    visitor.sign_in("bob").await.unwrap();
    for allow in [true, false] {
        let status = visitor.decide_with(&handle, allow, &page.csrf_token).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
    }
    assert_eq!(visitor.consent_page(&handle).await.person.unwrap().subject, "bob");
    visitor.sign_in("alice").await.unwrap();
    let code = parameter(&visitor.decide_with(&handle, true, &page.csrf_token).await.unwrap(), "code").unwrap();
    let tokens = api.redeem(&client, &code).await.unwrap();
    assert_eq!(api.introspect(&client, &tokens.access_token).await.unwrap()["sub"], "alice");
}

/// The session may end while the page is shown: the person signs in again, and the request still stands.
#[tokio::test]
async fn without_a_session_nothing_is_decided() {
    let (api, client) = api().await;
    let mut alice = Visitor::of(&api.server, 'A', "alice").await;
    let handle = alice.begin(&client, &[]).await;
    let csrf_token = alice.csrf_token().await;
    let request = SignOutRequest { workspace: String::new(), csrf_token };
    alice.interactions().sign_out(alice.ask(request)).await.unwrap();
    let refused = oauth_refusal(&alice.decide(&handle, true).await.unwrap_err());
    assert_eq!(refused.error, "login_required");
    alice.sign_in("alice").await.unwrap();
    assert!(alice.decide(&handle, true).await.is_ok());
}

/// Threat C7: what is granted is what the kept request says, whatever a form adds; it has no other field.
#[tokio::test]
async fn only_the_kept_request_counts() {
    let (api, client) = api().await;
    let other = api.server.register(web()).await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let narrow = alice.begin(&client, &[("scope", "read")]).await;
    let _wide = alice.begin(&other, &[("scope", "read write admin")]).await;
    let code = parameter(&alice.decide(&narrow, true).await.unwrap(), "code").unwrap();
    let refused = api.redeem(&other, &code).await.unwrap_err();
    assert_eq!(refused.error, "invalid_grant");
    assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read");
}

/// What was allowed can be seen and withdrawn, also to an application that has no scope and only learns who signed in.
#[tokio::test]
async fn a_consent_to_no_scope_can_be_withdrawn() {
    let (api, _) = api().await;
    let client = api.server.register(ClientMetadata { scope: String::new(), default_scope: String::new(), ..web() }).await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let tokens = tokens(&api, &client, &alice, "").await;
    let listed = async || {
        let request = alice.ask(ListConsentsRequest::default());
        alice.applications().list_consents(request).await.unwrap().into_inner().consents
    };
    let consents = listed().await;
    assert_eq!((consents.len(), consents[0].client_id.as_str()), (1, client.client_id.as_str()));
    assert!(api.active(&client, &tokens.access_token).await);
    alice.withdraw(&client.client_id).await.unwrap();
    assert!(listed().await.is_empty());
    assert!(!api.active(&client, &tokens.access_token).await);
}

/// What was allowed adds up; what was not is asked.
#[tokio::test]
async fn consents_add_up() {
    let (api, client) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    tokens(&api, &client, &alice, "read").await;
    let handle = alice.begin(&client, &[("scope", "write")]).await;
    assert_eq!(alice.consent_page(&handle).await.scopes.len(), 1);
    alice.decide(&handle, true).await.unwrap();
    let both = alice.begin(&client, &[("scope", "write read")]).await;
    assert!(parameter(&alice.redirected(&both).await, "code").is_some());
    let more = alice.begin(&client, &[("scope", "read admin")]).await;
    assert_eq!(alice.consent_page(&more).await.scopes.len(), 2);
    let listed = alice.applications().list_consents(alice.ask(ListConsentsRequest::default())).await.unwrap().into_inner();
    let scopes: Vec<_> = listed.consents[0].scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!((listed.consents.len(), scopes), (1, vec!["read", "write"]));
}

/// RFC 9700 section 4.14.2; threat B4: a withdrawn consent ends every token that came of it.
#[tokio::test]
async fn a_withdrawn_consent_ends_what_came_of_it() {
    for by_an_operator in [false, true] {
        let (api, client) = api().await;
        let alice = Visitor::of(&api.server, 'A', "alice").await;
        let before = tokens(&api, &client, &alice, "read").await;
        let waiting = alice.begin(&client, &[("prompt", "consent")]).await;
        let code = parameter(&alice.decide(&alice.begin(&client, &[]).await, true).await.unwrap(), "code").unwrap();
        assert!(api.active(&client, &before.access_token).await);
        if by_an_operator {
            let request = WithdrawUserConsentRequest {
                workspace: String::new(),
                subject: "alice".to_owned(),
                client_id: client.client_id.clone(),
            };
            api.server.users().withdraw_user_consent(api.server.as_admin(request)).await.unwrap();
        } else {
            alice.withdraw(&client.client_id).await.unwrap();
        }
        let ended = "invalid_grant: the person withdrew their consent; ask them again";
        assert_eq!(api.refresh(&client, before.refresh_token()).await.unwrap_err().to_string(), ended);
        assert_eq!(api.redeem(&client, &code).await.unwrap_err().to_string(), ended);
        assert!(!api.active(&client, &before.access_token).await);
        assert!(!api.active(&client, before.refresh_token()).await);
        let refused = oauth_refusal(&alice.decide(&waiting, true).await.unwrap_err());
        assert_eq!(
            refused.description,
            "the consent was withdrawn after this request had begun: start again from the application"
        );

        // A moment later the person is asked again, and may allow it again.
        api.server.clock.advance_millis(1);
        let handle = alice.begin(&client, &[]).await;
        alice.consent_page(&handle).await;
        let after = tokens(&api, &client, &alice, "read").await;
        assert!(api.active(&client, &after.access_token).await);
        assert!(api.refresh(&client, after.refresh_token()).await.is_ok());
        assert!(!api.active(&client, &before.access_token).await);
    }
}

/// One person's withdrawal, and one client's, touch nobody else's tokens.
#[tokio::test]
async fn a_withdrawal_is_between_one_person_and_one_client() {
    let (api, client) = api().await;
    api.server.enroll("bob", false).await;
    let other = api.server.register(web()).await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let bob = Visitor::of(&api.server, 'E', "bob").await;
    let with_other = tokens(&api, &other, &alice, "read").await;
    let of_bob = tokens(&api, &client, &bob, "read").await;
    tokens(&api, &client, &alice, "read").await;
    alice.withdraw(&client.client_id).await.unwrap();
    assert!(api.active(&other, &with_other.access_token).await);
    assert!(api.active(&client, &of_bob.access_token).await);
    assert!(api.refresh(&client, of_bob.refresh_token()).await.is_ok());
    let listed = alice.applications().list_consents(alice.ask(ListConsentsRequest::default())).await.unwrap().into_inner();
    let clients: Vec<_> = listed.consents.into_iter().map(|consent| consent.client_id).collect();
    assert_eq!(clients, std::slice::from_ref(&other.client_id));
    let request = ListUserConsentsRequest { workspace: String::new(), subject: "bob".to_owned() };
    let listed = api.server.users().list_user_consents(api.server.as_admin(request)).await.unwrap().into_inner().consents;
    assert_eq!((listed[0].client_id.clone(), listed[0].scope.as_str()), (client.client_id.clone(), "read"));
}

#[tokio::test]
async fn an_unknown_consent_cannot_be_withdrawn() {
    let (api, _) = api().await;
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    for client_id in ["", "jc_nothing"] {
        assert_eq!(alice.withdraw(client_id).await.unwrap_err().code(), Code::NotFound);
    }
}
