//! Waits after failures (threat K2).

use super::{Door, PASSWORD, WRONG, wait};
use crate::support::server::Server;

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
