//! What the authorization endpoint does only behind a policy: tokens in the fragment, and codes without PKCE.

use jeton::pb::admin::v1::policy_service_client::PolicyServiceClient;
use jeton::pb::admin::v1::{EnablePolicyRequest, RevokeClientTokensRequest, RevokeUserTokensRequest};
use jeton::pb::v1::decide_authorization_request::Decision;
use jeton::pb::v1::{Approval, ClientMetadata, DecideAuthorizationRequest, UpdateClientRequest};
use tonic::Status;
use url::Url;

use crate::support::clients::{Party, REDIRECT_URI, VERIFIER, native, web};
use crate::support::jwt::claims;
use crate::support::server::{START, Server};
use crate::support::surface::{Answer, Api};
use crate::support::web::{Browser, parameter};

const HOW: &str = "for this client: an operator switches it on with jeton policy enable";

/// The changes that make a request one of the implicit grant.
const TOKEN: &[(&str, &str)] = &[("response_type", "token"), ("code_challenge", ""), ("code_challenge_method", "")];
/// The changes that leave PKCE out.
const NO_PKCE: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];

async fn server() -> Server {
    let server = Server::start().await;
    let login_uri = "https://login.example.org/".to_owned();
    let settings = jeton::pb::admin::v1::WorkspaceSettings { login_uri, ..Default::default() };
    server.set_workspace("default", settings).await;
    server
}

async fn enable(server: &Server, client: &Party, policy: &str, with: impl FnOnce(&mut EnablePolicyRequest)) {
    let mut request = EnablePolicyRequest {
        client_id: client.client_id.clone(),
        policy: policy.to_owned(),
        reason: "an old client".to_owned(),
        ..EnablePolicyRequest::default()
    };
    with(&mut request);
    PolicyServiceClient::new(server.admin()).enable_policy(server.as_admin(request)).await.unwrap();
}

/// Asks in a browser, lets the login application allow it, and goes on to the answer.
async fn answer(server: &Server, client: &Party, changes: &[(&str, &str)]) -> Answer {
    let mut browser = Browser::default();
    let asked = browser.authorize(server, client, changes).await;
    if asked.header("location").is_empty() {
        return asked;
    }
    let Some(handle) = parameter(asked.header("location"), "handle") else { return asked };
    let continuation = approve(server, &handle).await.unwrap();
    browser.get(server, &continuation).await
}

async fn approve(server: &Server, handle: &str) -> Result<String, Status> {
    let decision = Some(Decision::Approve(Approval { subject: "alice".to_owned(), ..Approval::default() }));
    let request = DecideAuthorizationRequest { workspace: String::new(), handle: handle.to_owned(), decision };
    Ok(server.authorizations().decide_authorization(server.as_admin(request)).await?.into_inner().redirect_uri)
}

/// One parameter of a URI's fragment.
fn in_fragment(uri: &str, name: &str) -> Option<String> {
    let uri = Url::parse(uri).unwrap();
    let mut pairs = url::form_urlencoded::parse(uri.fragment().unwrap_or_default().as_bytes());
    pairs.find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned())
}

/// RFC 6749 sections 4.2.1 and 4.2.2.1; threat L1: off, and the error travels where a token would.
#[tokio::test]
async fn a_token_is_refused_in_the_fragment_while_its_policy_is_off() {
    let server = server().await;
    let client = server.register(web()).await;
    let refused = answer(&server, &client, TOKEN).await;
    let location = refused.header("location");
    assert!(location.starts_with("https://app.example.org/cb#error=unauthorized_client"), "{location}");
    let description = in_fragment(location, "error_description").unwrap();
    assert_eq!(description, format!("response_type must be code; the policy implicit_grant is off {HOW}"));
    assert_eq!(in_fragment(location, "state").as_deref(), Some("s t&a=te"));
}

/// RFC 6749 section 4.2.2: a token of ten minutes at most, bearer, with state and issuer, and no refresh token.
#[tokio::test]
async fn a_token_is_answered_in_the_fragment_while_its_policy_is_on() {
    let server = server().await;
    let (client, other) = (server.register(web()).await, server.register(web()).await);
    enable(&server, &client, "implicit_grant", |_| {}).await;
    let answered = answer(&server, &client, TOKEN).await;
    let location = answered.header("location");
    assert!(location.starts_with("https://app.example.org/cb#access_token=ey"), "{location}");
    let value = |name| in_fragment(location, name);
    assert_eq!((value("token_type").as_deref(), value("expires_in").as_deref()), (Some("Bearer"), Some("600")));
    assert_eq!((value("scope").as_deref(), value("refresh_token")), (Some("read"), None));
    assert_eq!((value("state").as_deref(), value("iss").as_deref()), (Some("s t&a=te"), Some("https://id.example.org")));
    let token = value("access_token").unwrap();
    assert_eq!((claims(&token)["sub"].as_str(), claims(&token)["exp"].as_i64()), (Some("alice"), Some(START + 600)));

    let refused = answer(&server, &other, TOKEN).await;
    assert_eq!(in_fragment(refused.header("location"), "error").as_deref(), Some("unauthorized_client"));

    let [_, mut api] = Api::both().await;
    api.server = server;
    assert!(api.active(&client, &token).await);
    api.revoke(&client, &token).await.unwrap();
    assert!(!api.active(&client, &token).await);
}

#[tokio::test]
async fn a_policy_that_has_expired_is_off() {
    let server = server().await;
    let client = server.register(web()).await;
    enable(&server, &client, "implicit_grant", |request| request.expires_at = START + 60).await;
    enable(&server, &client, "pkce_optional", |request| request.expires_at = START + 60).await;
    assert!(answer(&server, &client, TOKEN).await.header("location").contains("#access_token="));
    server.clock.advance_seconds(60);
    let refused = answer(&server, &client, TOKEN).await;
    let description = in_fragment(refused.header("location"), "error_description").unwrap();
    assert_eq!(description, format!("response_type must be code; the policy implicit_grant has expired {HOW}"));
    let refused = answer(&server, &client, NO_PKCE).await;
    assert_eq!(parameter(refused.header("location"), "error").as_deref(), Some("invalid_request"));
}

/// A policy that expires, or is taken away, while the person decides, issues nothing.
#[tokio::test]
async fn the_policy_is_judged_again_when_the_token_is_issued() {
    let server = server().await;
    let client = server.register(web()).await;
    enable(&server, &client, "implicit_grant", |request| request.expires_at = START + 60).await;
    let asked = Browser::default().authorize(&server, &client, TOKEN).await;
    let handle = parameter(asked.header("location"), "handle").unwrap();
    server.clock.advance_seconds(60);
    let refused = approve(&server, &handle).await.unwrap_err();
    assert!(refused.message().contains("implicit_grant has expired"), "{}", refused.message());
}

/// A token goes to exactly what was registered: no other port of a loopback address.
#[tokio::test]
async fn a_token_goes_to_no_other_port() {
    let server = server().await;
    let client = server.register(native()).await;
    enable(&server, &client, "implicit_grant", |_| {}).await;
    let exact = [TOKEN, &[("redirect_uri", "http://127.0.0.1/cb")]].concat();
    assert!(answer(&server, &client, &exact).await.header("location").starts_with("http://127.0.0.1/cb#access_token="));
    let other = [TOKEN, &[("redirect_uri", "http://127.0.0.1:9999/cb")]].concat();
    let refused = answer(&server, &client, &other).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
}

/// The token is answered once: the same decision again gives no second one.
#[tokio::test]
async fn a_token_is_answered_once() {
    let server = server().await;
    let client = server.register(web()).await;
    enable(&server, &client, "implicit_grant", |_| {}).await;
    let mut browser = Browser::default();
    let asked = browser.authorize(&server, &client, TOKEN).await;
    let continuation = approve(&server, &parameter(asked.header("location"), "handle").unwrap()).await.unwrap();
    assert_eq!(browser.get(&server, &continuation).await.status, 303);
    let again = browser.get(&server, &continuation).await;
    assert_eq!((again.status, again.header("location")), (400, ""));
}

/// `*` for a token in the fragment needs both policies, and the operator's word that they may meet.
#[tokio::test]
async fn a_wildcard_for_a_token_must_be_stated() {
    let server = server().await;
    let stated = server.register(web()).await;
    enable(&server, &stated, "implicit_grant", |request| request.with_wildcard_scope = true).await;
    enable(&server, &stated, "wildcard_scope", |_| {}).await;
    let all = [TOKEN, &[("scope", "*")]].concat();
    let location = answer(&server, &stated, &all).await.header("location").to_owned();
    assert_eq!(in_fragment(&location, "scope").as_deref(), Some("read write admin"));

    let silent = server.register(web()).await;
    enable(&server, &silent, "implicit_grant", |_| {}).await;
    let location = answer(&server, &silent, &all).await.header("location").to_owned();
    assert_eq!(in_fragment(&location, "error").as_deref(), Some("invalid_scope"));
}

/// RFC 7636 section 4.4.1; threat D4: without its policy a request needs PKCE, and the error says how to go on.
#[tokio::test]
async fn a_request_without_pkce_is_refused_while_its_policy_is_off() {
    let server = server().await;
    let client = server.register(web()).await;
    let refused = answer(&server, &client, NO_PKCE).await;
    let description = parameter(refused.header("location"), "error_description").unwrap();
    let missing = "code_challenge is missing: PKCE with S256 is required";
    assert_eq!(description, format!("{missing}; the policy pkce_optional is off {HOW}"));
    let public = server.register(native()).await;
    let refused = answer(&server, &public, NO_PKCE).await;
    assert_eq!(parameter(refused.header("location"), "error_description").as_deref(), Some(missing));
}

/// Threats D1 and D3: with the policy a challenge may be missing, but not half of one, and no verifier fits it later.
#[tokio::test]
async fn a_request_without_pkce_is_served_while_its_policy_is_on() {
    for mut api in Api::both().await {
        api.server = server().await;
        let (client, other) = (api.server.register(web()).await, api.server.register(web()).await);
        enable(&api.server, &client, "pkce_optional", |_| {}).await;
        let code = async |changes| parameter(answer(&api.server, &client, changes).await.header("location"), "code").unwrap();
        let uri = ("redirect_uri", REDIRECT_URI);
        let plain = code(NO_PKCE).await;
        assert!(api.redeem_with(&client, &plain, &[uri]).await.is_ok());
        let injected = code(NO_PKCE).await;
        let refused = api.redeem_with(&client, &injected, &[uri, ("code_verifier", VERIFIER)]).await.unwrap_err();
        assert_eq!(refused.error, "invalid_grant");
        let protected = code(&[]).await;
        assert_eq!(api.redeem_with(&client, &protected, &[uri]).await.unwrap_err().error, "invalid_grant");

        let half = answer(&api.server, &client, &[("code_challenge", "")]).await;
        assert_eq!(parameter(half.header("location"), "error").as_deref(), Some("invalid_request"));
        let refused = answer(&api.server, &other, NO_PKCE).await;
        assert_eq!(parameter(refused.header("location"), "error").as_deref(), Some("invalid_request"));
    }
}

/// A client that copies its code from the server's own page needs no PKCE, and no URL has the code.
#[tokio::test]
async fn a_code_for_the_own_page_stands_in_no_url() {
    let server = server().await;
    let own = "https://id.example.org/authorized";
    let metadata = ClientMetadata { redirect_uris: vec![own.to_owned()], ..web() };
    let client = server.register(metadata).await;
    let answered = answer(&server, &client, &[NO_PKCE, &[("redirect_uri", own)]].concat()).await;
    let location = answered.header("location");
    assert!(location.starts_with("https://id.example.org/authorized?handle=jat_"), "{location}");
    assert_eq!(parameter(location, "code"), None);

    // Nobody is there to take a token out of the fragment.
    enable(&server, &client, "implicit_grant", |_| {}).await;
    let refused = answer(&server, &client, &[TOKEN, &[("redirect_uri", own)]].concat()).await;
    assert_eq!(in_fragment(refused.header("location"), "error").as_deref(), Some("invalid_request"));
}

/// Threat B4: a token rests on what stands when it is issued, not on what stood when it was asked for.  A code is looked
/// at again when it is redeemed; a token in a fragment is not.
#[tokio::test]
async fn a_token_in_a_fragment_rests_on_what_still_stands() {
    let [scope, revoked, person, uri] = [0, 1, 2, 3];
    for withdrawn in [scope, revoked, person, uri] {
        for decided_first in [false, true] {
            let server = server().await;
            let client = server.register(web()).await;
            enable(&server, &client, "implicit_grant", |_| {}).await;
            let mut browser = Browser::default();
            let asked = browser.authorize(&server, &client, TOKEN).await;
            let handle = parameter(asked.header("location"), "handle").unwrap();
            let continuation = if decided_first { Some(approve(&server, &handle).await.unwrap()) } else { None };
            server.clock.advance_seconds(1);
            let update = |metadata: ClientMetadata| UpdateClientRequest {
                client_id: client.client_id.clone(),
                metadata: Some(metadata),
                ..UpdateClientRequest::default()
            };
            if withdrawn == scope {
                let metadata = ClientMetadata { scope: "write".to_owned(), default_scope: String::new(), ..web() };
                server.clients().update_client(server.as_admin(update(metadata))).await.unwrap();
            } else if withdrawn == revoked {
                let request = RevokeClientTokensRequest { client_id: client.client_id.clone(), ..Default::default() };
                server.client_admin().revoke_client_tokens(server.as_admin(request)).await.unwrap();
            } else if withdrawn == person {
                let request = RevokeUserTokensRequest { subject: "alice".to_owned(), ..Default::default() };
                server.users().revoke_user_tokens(server.as_admin(request)).await.unwrap();
            } else {
                let metadata = ClientMetadata { redirect_uris: vec!["https://app.example.org/new".to_owned()], ..web() };
                server.clients().update_client(server.as_admin(update(metadata))).await.unwrap();
            }
            server.clock.advance_seconds(1);
            let location = match continuation {
                Some(continuation) => browser.get(&server, &continuation).await.header("location").to_owned(),
                None => match approve(&server, &handle).await {
                    Ok(continuation) => browser.get(&server, &continuation).await.header("location").to_owned(),
                    Err(_) => String::new(),
                },
            };
            assert!(!location.contains("access_token"), "{withdrawn} {decided_first}: {location}");
        }
    }
}
