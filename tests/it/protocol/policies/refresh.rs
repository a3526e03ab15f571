//! Refresh tokens behind policies: of the client itself, that stay the same, and that need no secret beside them.

use jeton::pb::admin::v1::SetClientDisabledRequest;
use jeton::pb::v1::{ClientMetadata, GrantType, Lifetimes, RotateClientSecretRequest, UpdateClientRequest};

use super::{HOW, PASSWORD, disable, enable, everything, person, refresh_alone};
use crate::support::clients::{Party, service, web};
use crate::support::jwt::claims;
use crate::support::server::Server;
use crate::support::surface::{Api, form};

const ALONE: &str = "refresh_without_client_authentication";
const OWN: &str = "refresh_token_on_client_credentials";
const SAME: &str = "refresh_rotation_never";
const DAY: i64 = 86_400;

/// What is said of a refresh token that proves nothing, whatever is wrong with it.
const NOBODY: &str = "invalid_client: the request has no client authentication: send client_id and client_secret, or \
    client_id alone for a public client";

fn lifetimes(refresh_idle_seconds: i64, refresh_absolute_seconds: i64) -> Option<Lifetimes> {
    Some(Lifetimes { access_token_seconds: 0, refresh_idle_seconds, refresh_absolute_seconds })
}

/// RFC 6749 section 4.4.3 advises against it, so it is off; on, the token is the client's own, and ends like any.
#[tokio::test]
async fn a_client_may_refresh_its_own_token() {
    for api in Api::both().await {
        let (client, other) = (api.server.register(service()).await, api.server.register(service()).await);
        assert_eq!(api.client_credentials(&client, "").await.unwrap().refresh_token, None);
        enable(&api.server, &client, OWN).await;
        assert_eq!(api.client_credentials(&other, "").await.unwrap().refresh_token, None);
        let first = api.client_credentials(&client, "read").await.unwrap();
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        let (claims, id) = (claims(&second.access_token), client.client_id.as_str());
        assert_eq!((&claims["sub"], &claims["client_id"], &claims["scope"]), (&id.into(), &id.into(), &"read".into()));
        assert!(claims["auth_time"].is_null());
        assert_eq!(api.refresh_for(&client, second.refresh_token(), "read write").await.unwrap_err().error, "invalid_scope");
        assert_eq!(api.refresh(&other, second.refresh_token()).await.unwrap_err().error, "unauthorized_client");
        assert!(api.active(&client, second.refresh_token()).await);

        disable(&api.server, &client, OWN).await;
        assert_eq!(api.refresh(&client, second.refresh_token()).await.unwrap_err().error, "unauthorized_client");
        assert!(!api.active(&client, second.refresh_token()).await);
        enable(&api.server, &client, OWN).await;
        api.revoke(&client, second.refresh_token()).await.unwrap();
        assert!(!api.active(&client, &second.access_token).await);
    }
}

/// The policy is about a client's own tokens: a person's are refreshed by a client that registered for it, and no other.
#[tokio::test]
async fn a_policy_about_own_tokens_refreshes_no_persons() {
    for api in Api::both().await {
        let client = api.server.register(everything()).await;
        enable(&api.server, &client, OWN).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let grant_types = [GrantType::AuthorizationCode, GrantType::ClientCredentials].map(i32::from).to_vec();
        let metadata = Some(ClientMetadata { grant_types, ..web() });
        let request = UpdateClientRequest { client_id: client.client_id.clone(), metadata, ..Default::default() };
        api.server.clients().update_client(api.server.as_admin(request)).await.unwrap();
        assert!(!api.active(&client, tokens.refresh_token()).await);
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap_err().error, "unauthorized_client");
        let own = api.client_credentials(&client, "").await.unwrap();
        assert!(api.refresh(&client, own.refresh_token()).await.is_ok());
    }
}

/// However often it is used, and with either way of rotation, a grant ends at its absolute end.
#[tokio::test]
async fn a_refresh_token_that_stays_the_same_ends_all_the_same() {
    for api in Api::both().await {
        let client = api.server.register(ClientMetadata { lifetimes: lifetimes(3600, 2 * 3600), ..web() }).await;
        enable(&api.server, &client, SAME).await;
        let tokens = api.sign_in(&client, "alice", "read write").await;
        let token = tokens.refresh_token().to_owned();
        for _ in 0..3 {
            api.server.clock.advance_seconds(2000);
            let refreshed = api.refresh_for(&client, &token, "read").await.unwrap();
            assert_eq!((refreshed.refresh_token, refreshed.scope.as_str()), (None, "read"));
        }
        api.server.clock.advance_seconds(1200);
        assert_eq!(api.refresh(&client, &token).await.unwrap_err().description, "the refresh token has expired");
        let idle = api.sign_in(&client, "alice", "read").await;
        api.server.clock.advance_seconds(3600);
        assert_eq!(api.refresh(&client, idle.refresh_token()).await.unwrap_err().description, "the refresh token has expired");
    }
}

/// Switching rotation off and on again leaves no second token good.
#[tokio::test]
async fn the_newest_token_counts_through_a_change_of_rotation() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        api.server.clock.advance_seconds(31);
        enable(&api.server, &client, SAME).await;
        assert_eq!(api.refresh(&client, second.refresh_token()).await.unwrap().refresh_token, None);
        disable(&api.server, &client, SAME).await;
        let third = api.refresh(&client, second.refresh_token()).await.unwrap();
        enable(&api.server, &client, SAME).await;
        api.server.clock.advance_seconds(31);
        assert_eq!(api.refresh(&client, second.refresh_token()).await.unwrap_err().error, "invalid_grant");
        assert!(!api.active(&client, third.refresh_token()).await);
    }
}

/// It counts as revoked, whichever way it is refreshed.
#[tokio::test]
async fn a_revoked_token_that_stayed_the_same_is_over() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        enable(&api.server, &client, SAME).await;
        enable(&api.server, &client, ALONE).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        api.revoke(&client, tokens.refresh_token()).await.unwrap();
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap_err().error, "invalid_grant");
        assert_eq!(refresh_alone(&api, tokens.refresh_token()).await.unwrap_err().to_string(), NOBODY);
    }
}

/// A token that stands alone lives a day at most, and one that was made to live longer does not stand alone.
#[tokio::test]
async fn a_refresh_without_a_secret_is_good_for_a_day() {
    for api in Api::both().await {
        let client = api.server.register(ClientMetadata { lifetimes: lifetimes(30 * DAY, 60 * DAY), ..everything() }).await;
        let older = api.sign_in(&client, "alice", "read").await;
        for policy in [ALONE, SAME, OWN] {
            enable(&api.server, &client, policy).await;
        }
        let refused = refresh_alone(&api, older.refresh_token()).await.unwrap_err();
        let expected = "invalid_client: this grant lives longer than a day: authenticate with client_id and client_secret, \
            or ask for a new token";
        assert_eq!(refused.to_string(), expected);
        assert!(api.refresh(&client, older.refresh_token()).await.is_ok());

        let person = api.sign_in(&client, "alice", "read").await;
        let own = api.client_credentials(&client, "").await.unwrap();
        api.server.clock.advance_seconds(DAY - 1);
        for tokens in [&person, &own] {
            assert_eq!(refresh_alone(&api, tokens.refresh_token()).await, Ok(None));
        }
        api.server.clock.advance_seconds(1);
        for tokens in [&person, &own] {
            assert_eq!(refresh_alone(&api, tokens.refresh_token()).await.unwrap_err().to_string(), NOBODY);
            let refused = api.refresh(&client, tokens.refresh_token()).await.unwrap_err();
            assert_eq!(refused.description, "the refresh token has expired");
        }
    }
}

/// Threat K2: ten at once, then one in six seconds, for each grant by itself; with the secret there is no such limit.
#[tokio::test]
async fn a_refresh_without_a_secret_is_limited() {
    for api in Api::both().await {
        let client = api.server.register(everything()).await;
        for policy in [ALONE, SAME] {
            enable(&api.server, &client, policy).await;
        }
        let (tokens, others) = (api.sign_in(&client, "alice", "read").await, api.sign_in(&client, "bob", "read").await);
        for _ in 0..10 {
            assert_eq!(refresh_alone(&api, tokens.refresh_token()).await, Ok(None));
        }
        let refused = refresh_alone(&api, tokens.refresh_token()).await.unwrap_err();
        assert_eq!(refused.error, "too_many_requests");
        let body = form(&[("grant_type", "refresh_token"), ("refresh_token", tokens.refresh_token())]);
        let answer = api.server.post_plainly("/oauth2/token", &body).await;
        let seconds: i64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=7).contains(&seconds), "{seconds}");
        assert!(refresh_alone(&api, others.refresh_token()).await.is_ok());
        assert!(api.refresh(&client, tokens.refresh_token()).await.is_ok());
        api.server.clock.advance_seconds(seconds);
        assert_eq!(refresh_alone(&api, tokens.refresh_token()).await, Ok(None));
        assert_eq!(refresh_alone(&api, tokens.refresh_token()).await.unwrap_err().error, "too_many_requests");
    }
}

/// A credential that is sent is verified as ever: a wrong one is not as good as none.
#[tokio::test]
async fn a_credential_that_is_sent_must_be_right() {
    for api in Api::both().await {
        let client = api.server.register(everything()).await;
        enable(&api.server, &client, ALONE).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        for stranger in [client.with_secret("wrong"), client.with_secret(""), client.without_secret()] {
            let refused = api.refresh(&stranger, tokens.refresh_token()).await.unwrap_err();
            assert_eq!(refused.error, "invalid_client");
        }
        let half = form(&[("grant_type", "refresh_token"), ("refresh_token", tokens.refresh_token()), ("client_secret", "x")]);
        assert_eq!(api.server.post_plainly("/oauth2/token", &half).await.json().unwrap_err().error, "invalid_client");
        // Nothing of that used the token up.
        assert!(refresh_alone(&api, tokens.refresh_token()).await.unwrap().is_some());
    }
}

/// The token stands for the secret that it was given out under, so it ends with it; and with the client.
#[tokio::test]
async fn a_new_secret_ends_what_stood_for_the_old_one() {
    for api in Api::both().await {
        let client = api.server.register(everything()).await;
        enable(&api.server, &client, ALONE).await;
        let before = api.sign_in(&client, "alice", "read").await;
        api.server.clock.advance_seconds(1);
        let client = rotate(&api.server, &client).await;
        let refused = refresh_alone(&api, before.refresh_token()).await.unwrap_err();
        assert!(refused.to_string().starts_with("invalid_client: the client's secret was changed"), "{refused}");
        api.server.clock.advance_seconds(1);
        let after = api.sign_in(&client, "alice", "read").await;
        let next = refresh_alone(&api, after.refresh_token()).await.unwrap().unwrap();
        let request = SetClientDisabledRequest { client_id: client.client_id.clone(), disabled: true, ..Default::default() };
        api.server.client_admin().set_client_disabled(api.server.as_admin(request)).await.unwrap();
        assert_eq!(refresh_alone(&api, &next).await.unwrap_err().to_string(), NOBODY);
    }
}

async fn rotate(server: &Server, client: &Party) -> Party {
    let request = RotateClientSecretRequest { client_id: client.client_id.clone(), overlap_seconds: 3600, ..Default::default() };
    let rotated = server.clients().rotate_client_secret(server.as_admin(request)).await.unwrap().into_inner();
    client.with_secret(&rotated.client_secret)
}

/// Garbage, a used token, another workspace's and another kind's are told apart by nobody.
#[tokio::test]
async fn a_token_that_proves_nothing_is_answered_alike() {
    for api in Api::both().await {
        let client = api.server.register(everything()).await;
        enable(&api.server, &client, ALONE).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = refresh_alone(&api, first.refresh_token()).await.unwrap().unwrap();
        let other = if second.ends_with('A') { 'B' } else { 'A' };
        let changed = format!("{}{other}", second.get(..second.len() - 1).unwrap());
        let code = api.server.code(&client, "alice", "read").await;
        for presented in ["jrt_x", first.refresh_token(), &changed, &code, &first.access_token] {
            assert_eq!(refresh_alone(&api, presented).await.unwrap_err().to_string(), NOBODY);
        }
        assert!(refresh_alone(&api, &second).await.is_ok());
    }
}

/// RFC 6749 section 4.3: a person's grant, with what the client registered.
#[tokio::test]
async fn a_password_gives_a_persons_grant() {
    for api in Api::both().await {
        person(&api.server, "alice").await;
        let client = api.server.register(everything()).await;
        let pairs = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("scope", "*")];
        enable(&api.server, &client, "password_grant").await;
        assert!(api.token(&client, &pairs).await.unwrap_err().description.contains(HOW));
        enable(&api.server, &client, "wildcard_scope").await;
        let tokens = api.token(&client, &pairs).await.unwrap();
        let said = claims(&tokens.access_token);
        assert_eq!((said["sub"].as_str(), said["scope"].as_str()), (Some("alice"), Some("read write admin")));
        assert_eq!(said["auth_time"], 1_700_000_000);
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap().scope, "read write admin");
        for wrong in [("username", "bob"), ("password", "wrong")] {
            let pairs = pairs.map(|pair| if pair.0 == wrong.0 { wrong } else { pair });
            assert_eq!(api.token(&client, &pairs).await.unwrap_err().error, "invalid_grant");
        }
        let refused = api.token(&client, &[("grant_type", "password"), ("username", "alice")]).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_request: username or password is missing");
        let plain = api.server.register(service()).await;
        enable(&api.server, &plain, "password_grant").await;
        let pairs = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
        assert_eq!(api.token(&plain, &pairs).await.unwrap().refresh_token, None);
    }
}
