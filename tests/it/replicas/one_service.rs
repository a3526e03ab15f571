//! What one replica is told holds on every replica: at once where the database is asked, and within a second where
//! memory is.

use std::time::Duration;

use crate::binary::kill::story::{Client, Story};
use crate::replicas::fleet::{Fleet, Replica, until};
use crate::support::jwt::{kid, verifies};
use crate::support::postgres::migrated;

/// A second, and what a busy machine may add.
const SOON: Duration = Duration::from_millis(2500);

async fn pair() -> [Replica; 2] {
    let fleet = Fleet::of(&migrated().await);
    [fleet.replica(), fleet.replica()]
}

/// The first ones make the keys and the default workspace of all, whoever of them is first.
#[tokio::test]
async fn two_that_start_at_once_on_an_empty_database_serve_with_one_key() {
    let fleet = Fleet::of(&migrated().await);
    let [one, other] = [fleet.begin(), fleet.begin()].map(Replica::ready);
    let client = one.client();
    let (first, second) = (client.token(&one).await, client.token(&other).await);
    assert_eq!(kid(&first), kid(&second));
    let keys = one.jwks().await;
    assert_eq!(keys, other.jwks().await);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert!(verifies(&first, &keys) && verifies(&second, &keys));
    assert!(one.server.stop().success());
    assert!(other.server.stop().success());
}

#[tokio::test]
async fn a_client_that_was_registered_on_one_gets_its_token_on_the_other() {
    let [one, other] = pair().await;
    for _ in 0..5 {
        let client = one.client();
        let token = client.token(&other).await;
        assert!(verifies(&token, &one.jwks().await));
    }
}

#[tokio::test]
async fn a_client_that_was_deleted_on_one_is_soon_unknown_on_the_other() {
    let [one, other] = pair().await;
    let client = one.client();
    client.token(&other).await;
    one.json(&["client", "delete", &client.id, "--yes"]);
    assert_eq!(client.ask(&one).await.1["error"], "invalid_client");
    let took = until("the client is unknown", SOON, async || client.ask(&other).await.0 == 401).await;
    println!("a deleted client was unknown after {took:?}");
}

/// RFC 7009 section 2: the revocation takes place immediately; RFC 7662 section 2.2.
#[tokio::test]
async fn what_was_revoked_on_one_is_soon_inactive_on_the_other() {
    let [one, other] = pair().await;
    let [here, there] = [one.callers().await, other.callers().await];
    let client = Client::register(&here).await.done("a client can be registered");
    for whole in [true, false] {
        let mut story = Story::begin(&here, client.clone()).await.done("a code can be issued");
        let tokens = client.redeem(&there, &story.code).await.done("a code is good on every replica");
        story.keep(tokens);
        let tokens = client.refresh(&here, story.newest()).await.done("a refresh token is good on every replica");
        story.keep(tokens);
        assert!(client.active(&here, &story.access_token).await && client.active(&there, &story.access_token).await);

        let revoked = if whole { story.newest() } else { &story.access_token };
        client.revoke(&here, revoked).await.done("a token can be revoked");
        assert!(!client.active(&here, &story.access_token).await);
        if whole {
            // Nothing in memory says that a refresh token is good.
            client.refresh(&there, story.newest()).await.refused("the grant has ended");
        }
        let took = until("the token is inactive", SOON, async || !client.active(&there, &story.access_token).await).await;
        println!("a revoked token was inactive after {took:?}");
    }
}

#[tokio::test]
async fn a_key_that_was_made_on_one_is_soon_announced_by_the_other_and_signs_on_both() {
    let [one, other] = pair().await;
    let client = one.client();
    let old = client.token(&other).await;
    let made = one.json(&["key", "rotate"]);
    let key = made["kid"].as_str().unwrap();
    let announced = |keys: &serde_json::Value| keys["keys"].as_array().unwrap().iter().any(|found| found["kid"] == key);
    assert!(announced(&one.jwks().await));
    let took = until("the key is announced", SOON, async || announced(&other.jwks().await)).await;
    println!("a new key was announced after {took:?}");
    // RFC 9700 and the key schedule: nothing signs with it before every verifier can know it.
    for replica in [&one, &other] {
        assert_eq!(kid(&client.token(replica).await), kid(&old));
        assert!(verifies(&old, &replica.jwks().await));
    }
}
