//! Codes, refresh tokens, handles and tickets: each good in one place only, and only as it was made.

use jeton::pb::admin::v1::WorkspaceSettings;
use jeton::pb::v1::decide_authorization_request::Decision;
use jeton::pb::v1::{Approval, DecideAuthorizationRequest, GetAuthorizationRequest};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::clients::{Party, web};
use crate::support::server::Server;
use crate::support::surface::{Api, Surface, oauth_refusal};
use crate::support::web::{Browser, parameter};

const LOGIN_URI: &str = "https://login.example.org/";

/// One value of every kind, each good where it belongs.
struct Values {
    handle: String,
    ticket: String,
    code: String,
    refresh_token: String,
    access_token: String,
}

async fn one_of_each(api: &Api, client: &Party) -> Values {
    let server = &api.server;
    server.set_workspace("default", WorkspaceSettings { login_uri: LOGIN_URI.to_owned(), ..WorkspaceSettings::default() }).await;
    let handle = begin(server, client).await;
    let decided = begin(server, client).await;
    let continuation = approve(server, &decided).await.unwrap();
    let tokens = api.sign_in(client, "alice", "read").await;
    Values {
        handle,
        ticket: parameter(&continuation, "ticket").unwrap(),
        code: server.code(client, "alice", "read").await,
        refresh_token: tokens.refresh_token().to_owned(),
        access_token: tokens.access_token,
    }
}

async fn begin(server: &Server, client: &Party) -> String {
    let answer = Browser::default().authorize(server, client, &[]).await;
    parameter(answer.header("location"), "handle").unwrap()
}

async fn approve(server: &Server, handle: &str) -> Result<String, tonic::Status> {
    let approval = Approval { subject: "alice".to_owned(), ..Approval::default() };
    let request = DecideAuthorizationRequest {
        workspace: String::new(),
        handle: handle.to_owned(),
        decision: Some(Decision::Approve(approval)),
    };
    Ok(server.authorizations().decide_authorization(server.as_admin(request)).await?.into_inner().redirect_uri)
}

/// Threat A4: a value of one kind is unknown wherever another kind belongs.
#[tokio::test]
async fn one_kind_of_value_is_never_taken_for_another() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let values = one_of_each(&api, &client).await;
        let Values { handle, ticket, code, refresh_token, access_token } = &values;
        for wrong in [handle, ticket, refresh_token, access_token] {
            assert_eq!(api.redeem(&client, wrong).await.unwrap_err().error, "invalid_grant");
        }
        for wrong in [handle, ticket, code, access_token] {
            assert_eq!(api.refresh(&client, wrong).await.unwrap_err().error, "invalid_grant");
        }
        for wrong in [handle, ticket, code] {
            assert!(!api.active(&client, wrong).await);
            api.revoke(&client, wrong).await.unwrap();
        }
        let unknown = "invalid_request: handle is unknown or has expired: the authorization request must be made again";
        for wrong in [ticket, code, refresh_token, access_token] {
            assert_eq!(oauth_refusal(&approve(&api.server, wrong).await.unwrap_err()).to_string(), unknown);
            let request = GetAuthorizationRequest { workspace: String::new(), handle: wrong.clone() };
            let status = api.server.authorizations().get_authorization(api.server.as_admin(request)).await.unwrap_err();
            assert_eq!(oauth_refusal(&status).to_string(), unknown);
        }
        for wrong in [handle, code, refresh_token, access_token] {
            let mut browser = Browser::default();
            browser.authorize(&api.server, &client, &[]).await;
            assert_eq!(browser.get(&api.server, &format!("/oauth2/continue?ticket={wrong}")).await.status, 400);
        }
        assert!(approve(&api.server, handle).await.unwrap().starts_with("https://id.example.org/oauth2/continue?ticket=jat_"));
        assert_eq!(api.redeem(&client, code).await.unwrap().scope, "read");
        assert_eq!(api.refresh(&client, refresh_token).await.unwrap().scope, "read");
    }
}

/// Threat A6: every prefix of a value is unknown, and so is the value with anything behind it.
#[tokio::test]
async fn a_shortened_or_lengthened_value_is_unknown() {
    let [_, api] = Api::both().await;
    let client = api.server.register(web()).await;
    let Values { code, refresh_token, access_token, .. } = one_of_each(&api, &client).await;
    for length in 1..code.len() {
        assert_eq!(api.redeem(&client, &code[..length]).await.unwrap_err().error, "invalid_grant", "{length}");
    }
    for length in 1..refresh_token.len() {
        assert_eq!(api.refresh(&client, &refresh_token[..length]).await.unwrap_err().error, "invalid_grant", "{length}");
    }
    for length in (1..access_token.len()).rev().take(120) {
        assert!(!api.active(&client, &access_token[..length]).await, "{length}");
    }
    for behind in ["=", "==", "A", " ", "\n", "\0", "."] {
        assert_eq!(api.redeem(&client, &format!("{code}{behind}")).await.unwrap_err().error, "invalid_grant", "{behind:?}");
        let refused = api.refresh(&client, &format!("{refresh_token}{behind}")).await.unwrap_err();
        assert_eq!(refused.error, "invalid_grant", "{behind:?}");
        assert!(!api.active(&client, &format!("{access_token}{behind}")).await, "{behind:?}");
    }
    assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read");
    assert_eq!(api.refresh(&client, &refresh_token).await.unwrap().scope, "read");
}

/// Threat A6: no other spelling decodes to the same bytes: every last character but its own is unknown.
#[tokio::test]
async fn the_last_character_has_one_spelling() {
    let [_, api] = Api::both().await;
    let client = api.server.register(web()).await;
    let Values { refresh_token, access_token, .. } = one_of_each(&api, &client).await;
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/".chars() {
        for token in [&refresh_token, &access_token] {
            let changed = format!("{}{last}", &token[..token.len() - 1]);
            assert_eq!(api.active(&client, &changed).await, changed == *token, "{last}");
        }
    }
}

/// Threat A6: whatever one changes in a value, it is unknown, and the value itself stays good.
#[test]
fn a_changed_value_is_unknown() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (api, client, values) = runtime.block_on(async {
        let api = Api { server: Server::start().await, surface: Surface::Grpc };
        let client = api.server.register(web()).await;
        let values = one_of_each(&api, &client).await;
        (api, client, values)
    });
    let Values { refresh_token, access_token, .. } = &values;
    let change = (any::<bool>(), any::<prop::sample::Index>(), "[ -~]{0,3}", 0..3_usize);
    let mut runner = TestRunner::new(Config { cases: 512, failure_persistence: None, ..Config::default() });
    runner
        .run(&change, |(access, at, inserted, removed)| {
            let token = if access { access_token } else { refresh_token };
            let at = at.index(token.len());
            let end = (at + removed).min(token.len());
            let changed = format!("{}{inserted}{}", &token[..at], &token[end..]);
            prop_assume!(changed != *token && !changed.is_empty());
            prop_assert!(!runtime.block_on(api.active(&client, &changed)), "{}", changed);
            Ok(())
        })
        .unwrap();
    assert!(runtime.block_on(api.active(&client, access_token)));
    assert!(runtime.block_on(api.active(&client, refresh_token)));
    runtime.block_on(async { drop(api) });
}
