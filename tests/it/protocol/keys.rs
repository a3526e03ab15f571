//! Signing keys: announced, active, retired, removed.

use jeton::pb::admin::v1::{KeyState, ListKeysRequest, RotateKeyRequest, RotationMode, SigningKey};
use jeton::pb::v1::{ClientMetadata, Lifetimes};
use serde_json::Value;
use tonic::{Code, Status};

use crate::support::clients::{Party, service};
use crate::support::jwt;
use crate::support::server::{START, Server};
use crate::support::surface::{Answer, Api, Surface};

const DAY: i64 = 86_400;

async fn rotate(server: &Server, mode: RotationMode) -> Result<SigningKey, Status> {
    let request = RotateKeyRequest { workspace: String::new(), mode: mode.into() };
    Ok(server.keys().rotate_key(server.as_admin(request)).await?.into_inner().key.unwrap())
}

async fn keys(server: &Server) -> Vec<SigningKey> {
    let request = ListKeysRequest { workspace: String::new() };
    server.keys().list_keys(server.as_admin(request)).await.unwrap().into_inner().keys
}

async fn states(server: &Server) -> Vec<KeyState> {
    keys(server).await.iter().map(SigningKey::state).collect()
}

async fn jwks(server: &Server) -> Value {
    let answer = Answer::of(server.http.get(server.url("/oauth2/jwks")).send().await.unwrap()).await;
    serde_json::from_str(&answer.body).unwrap()
}

/// A client whose access tokens live as long as any may.
async fn long_lived() -> (Api, Party) {
    let api = Api { server: Server::start().await, surface: Surface::Grpc };
    let lifetimes = Some(Lifetimes { access_token_seconds: DAY, ..Lifetimes::default() });
    let client = api.server.register(ClientMetadata { lifetimes, ..service() }).await;
    (api, client)
}

async fn token(api: &Api, client: &Party) -> String {
    api.client_credentials(client, "").await.unwrap().access_token
}

/// A new key is published for half an hour before it signs, so that no verifier meets an unknown one.
#[tokio::test]
async fn a_rotated_key_is_announced_before_it_signs() {
    let (api, client) = long_lived().await;
    let old = keys(&api.server).await.remove(0);
    assert_eq!((old.state(), old.announced_at, old.active_from), (KeyState::Active, START, START));
    let new = rotate(&api.server, RotationMode::Unspecified).await.unwrap();
    assert_eq!((new.state(), new.announced_at, new.active_from), (KeyState::Announced, START, START + 1800));
    assert_eq!((new.alg.as_str(), new.retired_at, new.removed_at), ("EdDSA", 0, 0));
    assert_eq!(jwks(&api.server).await["keys"].as_array().unwrap().len(), 2);

    api.server.clock.advance_millis(1_799_999);
    assert_eq!(jwt::kid(&token(&api, &client).await), old.kid);
    api.server.clock.advance_millis(1);
    assert_eq!(jwt::kid(&token(&api, &client).await), new.kid);
    assert_eq!(states(&api.server).await, [KeyState::Retired, KeyState::Active]);
}

/// A retired key stays published until the last token that it signed has ended.
#[tokio::test]
async fn a_token_verifies_until_its_end_though_its_key_is_retired() {
    let (api, client) = long_lived().await;
    rotate(&api.server, RotationMode::Announced).await.unwrap();
    api.server.clock.advance_seconds(1799);
    let last = token(&api, &client).await;
    api.server.clock.advance_seconds(DAY - 1);
    api.server.engine().run_key_schedule().await.unwrap();
    assert!(api.active(&client, &last).await);
    assert!(jwt::verifies(&last, &jwks(&api.server).await));

    let removed_at = START + 1800 + DAY + 60;
    assert_eq!(keys(&api.server).await[0].removed_at, removed_at);
    api.server.clock.advance_seconds(removed_at - 1 - (START + 1799 + DAY - 1));
    assert_eq!(jwks(&api.server).await["keys"].as_array().unwrap().len(), 2);
    api.server.clock.advance_seconds(1);
    assert_eq!(jwks(&api.server).await["keys"].as_array().unwrap().len(), 1);
    api.server.engine().run_key_schedule().await.unwrap();
    assert_eq!(states(&api.server).await, [KeyState::Active]);
}

/// A second announced key would retire the first before it ever signed.
#[tokio::test]
async fn a_second_announcement_is_refused() {
    let (api, client) = long_lived().await;
    let announced = rotate(&api.server, RotationMode::Announced).await.unwrap();
    let status = rotate(&api.server, RotationMode::Announced).await.unwrap_err();
    let expected = "a new key is announced already: wait until it is active, or rotate now";
    assert_eq!((status.code(), status.message()), (Code::Aborted, expected));
    let now = rotate(&api.server, RotationMode::Now).await.unwrap();
    assert_ne!(now.kid, announced.kid);
    api.server.clock.advance_seconds(1800);
    assert_eq!(jwt::kid(&token(&api, &client).await), now.kid, "the announced key does not take over");
}

/// `now` signs at once, and the tokens of before stay good.
#[tokio::test]
async fn a_key_can_be_rotated_at_once() {
    let (api, client) = long_lived().await;
    let before = token(&api, &client).await;
    let new = rotate(&api.server, RotationMode::Now).await.unwrap();
    assert_eq!((new.state(), new.active_from), (KeyState::Active, START));
    assert_eq!(jwt::kid(&token(&api, &client).await), new.kid);
    assert_eq!(states(&api.server).await, [KeyState::Retired, KeyState::Active]);
    assert!(api.active(&client, &before).await);
    assert!(jwt::verifies(&before, &jwks(&api.server).await));
}

/// `compromised` drops every other key, and the tokens that they signed end, restart or not.
#[tokio::test]
async fn a_compromised_key_takes_its_tokens_along() {
    let (api, client) = long_lived().await;
    let before = token(&api, &client).await;
    rotate(&api.server, RotationMode::Announced).await.unwrap();
    let new = rotate(&api.server, RotationMode::Compromised).await.unwrap();
    let served = jwks(&api.server).await;
    assert_eq!(served["keys"].as_array().unwrap().len(), 1);
    assert_eq!(served["keys"][0]["kid"], new.kid.as_str());
    assert!(!api.active(&client, &before).await);
    assert!(!jwt::verifies(&before, &served));
    let after = token(&api, &client).await;
    assert!(api.active(&client, &after).await);
    let api = api.restart().await;
    assert!(!api.active(&client, &before).await);
    assert!(api.active(&client, &after).await);
}

/// The schedule announces the next key when one has signed for ninety days, and once.
#[tokio::test]
async fn the_schedule_announces_the_next_key() {
    let (api, client) = long_lived().await;
    api.server.clock.advance_seconds(90 * DAY - 1);
    api.server.engine().run_key_schedule().await.unwrap();
    assert_eq!(states(&api.server).await, [KeyState::Active]);
    api.server.clock.advance_seconds(1);
    for _ in 0..2 {
        api.server.engine().run_key_schedule().await.unwrap();
        assert_eq!(states(&api.server).await, [KeyState::Active, KeyState::Announced]);
    }
    let next = keys(&api.server).await.remove(1);
    api.server.clock.advance_seconds(1800);
    assert_eq!(jwt::kid(&token(&api, &client).await), next.kid);
}

/// Without an interval keys are rotated by hand only.
#[tokio::test]
async fn without_an_interval_nothing_is_scheduled() {
    let server = Server::with(&["keys.rotation_interval_seconds=0"]).await;
    server.clock.advance_seconds(1000 * DAY);
    server.engine().run_key_schedule().await.unwrap();
    assert_eq!(states(&server).await, [KeyState::Active]);
}

/// Keys are what they were after a restart, and what they signed stays good.
#[tokio::test]
async fn keys_outlive_a_restart() {
    let (api, client) = long_lived().await;
    let before = token(&api, &client).await;
    rotate(&api.server, RotationMode::Announced).await.unwrap();
    let listed = keys(&api.server).await;
    let api = api.restart().await;
    assert_eq!(keys(&api.server).await, listed);
    assert!(api.active(&client, &before).await);
}
