//! Waits after failures (threat K2).

use jeton::pb::admin::v1::EnablePolicyRequest;
use jeton::pb::admin::v1::policy_service_client::PolicyServiceClient;

use super::{Door, PASSWORD, WRONG, wait};
use crate::support::clients::{Party, web};
use crate::support::server::Server;

/// A client that may present passwords, at every path.
pub(super) async fn old_client(server: &Server) -> Party {
    let client = server.register(web()).await;
    for policy in ["password_grant", "path_aliases"] {
        let request = EnablePolicyRequest {
            client_id: client.client_id.clone(),
            policy: policy.to_owned(),
            reason: "an old client".to_owned(),
            ..EnablePolicyRequest::default()
        };
        PolicyServiceClient::new(server.admin()).enable_policy(server.as_admin(request)).await.unwrap();
    }
    client
}

/// Threat K2: the sign-in page, the password grant and each of its paths share one count.
#[tokio::test]
async fn every_way_to_present_a_password_shares_one_counter() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let client = old_client(&server).await;
    let present = async |path: &str, password: &str| {
        let pairs = [("grant_type", "password"), ("username", "alice"), ("password", password), ("scope", "read")];
        server.post(path, &client, &pairs).await
    };
    assert_eq!(present("/oauth2/token", PASSWORD).await.status, 200);
    for path in ["/oauth2/token", "/token", "/oauth/2/token"] {
        let answer = present(path, "wrong").await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains("username or password is wrong"), "{}", answer.body);
        assert_eq!(door.refused("alice", "wrong").await, WRONG);
    }
    for path in ["/oauth2/token", "/token", "/oauth/2/token"] {
        let answer = present(path, PASSWORD).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{path}: {}", answer.body);
    }
    assert_eq!(door.refused("alice", PASSWORD).await, wait(1));
}

/// Threat J4: a made-up address is no way around the wait of one's own.
#[tokio::test]
async fn made_up_addresses_share_the_counter_of_the_real_one() {
    for (trusted, last) in [("", 429), ("127.0.0.0/8", 400)] {
        let server = Server::with(&[&format!("network.trusted_proxies={trusted}")]).await;
        let client = old_client(&server).await;
        let mut status = 0;
        for number in 0..22 {
            let form = format!("grant_type=password&username=somebody{number}&password=wrong");
            let request = server.http.post(server.url("/oauth2/token")).header("authorization", client.basic());
            let request = request.header("x-forwarded-for", format!("203.0.113.{number}"));
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
            status = request.send().await.unwrap().status().as_u16();
        }
        assert_eq!(status, last, "trusted: {trusted:?}");
    }
}

#[tokio::test]
async fn the_sixth_failure_of_a_name_costs_a_wait_that_doubles() {
    for username in ["alice", "unknown"] {
        let server = Server::start().await;
        let door = Door::of(&server);
        server.person("alice", PASSWORD).await;
        for _ in 0..6 {
            assert_eq!(door.refused(username, "wrong").await, WRONG);
        }
        for seconds in [1, 2, 4, 8] {
            assert_eq!(door.refused(username, PASSWORD).await, wait(seconds), "not even the right one is looked at");
            server.clock.advance_seconds(i64::from(seconds) - 1);
            assert_eq!(door.refused(username, "wrong").await, wait(1));
            server.clock.advance_seconds(1);
            assert_eq!(door.refused(username, "wrong").await, WRONG);
        }
    }
}

#[tokio::test]
async fn who_waited_gets_in() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    for _ in 0..6 {
        door.refused("alice", "wrong").await;
    }
    server.clock.advance_seconds(1);
    for _ in 0..3 {
        door.sign_in("alice", PASSWORD).await.unwrap();
    }
    assert_eq!(door.refused("alice", "wrong").await, WRONG);
    assert_eq!(door.refused("alice", "wrong").await, wait(2), "a success takes back no failure");
}

/// Threat K2: an account of one's own, signed in to in between, resets nothing.
#[tokio::test]
async fn successes_in_between_reset_nothing() {
    let server = Server::start().await;
    let door = Door::of(&server).from([192, 0, 2, 1]);
    server.person("alice", PASSWORD).await;
    server.person("mallory", "mallory's own").await;
    for _ in 0..6 {
        assert_eq!(door.refused("alice", "wrong").await, WRONG);
        door.sign_in("mallory", "mallory's own").await.unwrap();
    }
    assert_eq!(door.refused("alice", PASSWORD).await, wait(1));
    for number in 0..15 {
        assert_eq!(door.refused(&format!("somebody {number}"), "wrong").await, WRONG);
        server.clock.advance_millis(1000 * i64::from(number == 14));
    }
    assert_eq!(door.refused("somebody else", "wrong").await, WRONG);
    assert_eq!(door.refused("mallory", "mallory's own").await, wait(2), "the address waits, whoever asks");
}

#[tokio::test]
async fn the_twenty_first_failure_of_an_address_costs_a_wait() {
    let server = Server::start().await;
    let door = Door::of(&server).from([192, 0, 2, 1]);
    server.person("alice", PASSWORD).await;
    for number in 0..21 {
        assert_eq!(door.refused(&format!("somebody {number}"), "wrong").await, WRONG);
    }
    assert_eq!(door.refused("alice", PASSWORD).await, wait(1));
    Door::of(&server).from([192, 0, 2, 2]).sign_in("alice", PASSWORD).await.unwrap();
    server.clock.advance_seconds(1);
    door.sign_in("alice", PASSWORD).await.unwrap();
}

/// Threat K2: guesses at once are booked before any of them is answered.
#[tokio::test]
async fn guesses_at_once_are_not_free() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let guess = || door.sign_in("alice", "wrong");
    let (a, b, c, d, e, f, g, h) = tokio::join!(guess(), guess(), guess(), guess(), guess(), guess(), guess(), guess());
    let told = [a, b, c, d, e, f, g, h].map(|guess| guess.unwrap_err());
    assert_eq!(told.iter().filter(|told| **told == WRONG).count(), 6, "{told:?}");
    assert_eq!(told.iter().filter(|told| **told == wait(1)).count(), 2, "{told:?}");
}

/// Threat K2: the same name in another workspace is another person.
#[tokio::test]
async fn names_are_counted_by_workspace() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let (door, acme) = (Door::of(&server), Door { workspace: "acme", ..Door::of(&server) });
    for _ in 0..6 {
        assert_eq!(door.refused("alice", "wrong").await, WRONG);
    }
    assert_eq!(door.refused("alice", "wrong").await, wait(1));
    assert_eq!(acme.refused("alice", "wrong").await, WRONG);
}

#[tokio::test]
async fn failures_are_forgiven_with_time() {
    let server = Server::start().await;
    let door = Door::of(&server);
    for _ in 0..6 {
        door.refused("alice", "wrong").await;
    }
    server.clock.advance_seconds(1 + 6 * 300);
    for _ in 0..6 {
        assert_eq!(door.refused("alice", "wrong").await, WRONG);
    }
    assert_eq!(door.refused("alice", "wrong").await, wait(1));
}
