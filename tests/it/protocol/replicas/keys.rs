//! Signing keys: one replica rotates, and all announce before any uses.

use std::sync::Arc;

use jeton::engine::manage_keys::RotationMode;
use jeton::types::error::Refusal;
use tokio::task::JoinSet;

use super::{Replica, Replicas, default_workspace};
use crate::support::jwt;

const DAY: i64 = 86_400;
/// How old, in seconds, what these replicas remember may be.
const STALENESS: i64 = 600;

async fn rotate(replica: &Replica, mode: RotationMode) -> Result<String, Refusal> {
    let (key, _) = replica.engine.rotate_key(replica.administrator(), &default_workspace(), mode).await?;
    Ok(key.key.kid().to_owned())
}

/// The ids of what the key set answers.
fn published(replica: &Replica) -> Vec<String> {
    let (keys, _) = replica.engine.published_keys(&default_workspace()).unwrap();
    keys.iter().map(|key| key.key.kid().to_owned()).collect()
}

#[tokio::test]
async fn a_key_rotated_elsewhere_is_published_before_it_signs() {
    let Replicas { a, b, clock, .. } = &Replicas::start().await;
    let client = a.register().await;
    let new = rotate(a, RotationMode::Announced).await.unwrap();
    b.follow().await;
    assert!(published(b).contains(&new));
    for replica in [a, b] {
        assert_ne!(jwt::kid(&replica.client_credentials(&client).await.unwrap()), new);
    }
    clock.advance_seconds(1800);
    for replica in [a, b] {
        assert_eq!(jwt::kid(&replica.client_credentials(&client).await.unwrap()), new);
    }
}

/// A replica that serves knows, within the staleness bound, the key that another one signs with.
#[tokio::test]
async fn a_key_rotated_at_once_signs_when_every_replica_knows_it() {
    let Replicas { a, b, clock, .. } = &Replicas::at_once().await;
    let client = a.register().await;
    // Keys made alone would wait at the meeting for the other replica's.
    let (by_a, by_b) = tokio::join!(rotate(a, RotationMode::Now), rotate(b, RotationMode::Now));
    let new = by_a.or(by_b).unwrap();
    a.follow().await;
    b.follow().await;
    clock.advance_seconds(STALENESS);
    assert_ne!(jwt::kid(&a.client_credentials(&client).await.unwrap()), new);
    assert!(published(b).contains(&new));
    clock.advance_seconds(1);
    for replica in [a, b] {
        assert_eq!(jwt::kid(&replica.client_credentials(&client).await.unwrap()), new);
    }
}

/// A key that was stolen signs nowhere longer than it must.
#[tokio::test]
async fn a_compromised_key_is_dropped_at_once() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let client = a.register().await;
    let before = jeton::types::secret::Secret::new(b.client_credentials(&client).await.unwrap());
    let new = rotate(a, RotationMode::Compromised).await.unwrap();
    assert_eq!(jwt::kid(&a.client_credentials(&client).await.unwrap()), new);
    b.follow().await;
    assert_eq!(published(b), [new]);
    assert!(b.engine.introspect(&default_workspace(), &client, &before).await.unwrap().is_none());
}

#[tokio::test]
async fn of_replicas_asked_at_once_one_makes_the_key() {
    for mode in [RotationMode::Announced, RotationMode::Now, RotationMode::Compromised] {
        let Replicas { a, b, .. } = &Replicas::at_once().await;
        let (by_a, by_b) = tokio::join!(rotate(a, mode), rotate(b, mode));
        let (made, refused) = match (by_a, by_b) {
            (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made, refused),
            both => panic!("{mode:?}: {both:?}"),
        };
        assert!(matches!(refused, Refusal::Changed(_)), "{mode:?}: {refused:?}");
        a.follow().await;
        b.follow().await;
        assert_eq!(published(a), published(b));
        assert_eq!(published(a).last(), Some(&made));
    }
}

/// A key that another replica announced just now is seen before it was followed.
#[tokio::test]
async fn a_second_announcement_is_refused_by_every_replica() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let made = rotate(a, RotationMode::Announced).await.unwrap();
    assert!(matches!(rotate(b, RotationMode::Announced).await, Err(Refusal::Changed(_))));
    assert!(published(b).contains(&made));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_run_by_all_at_once_make_one_key() {
    let replicas = Replicas::start().await;
    replicas.clock.advance_seconds(90 * DAY);
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let replica = if number % 2 == 0 { &replicas.a } else { &replicas.b };
        let engine = Arc::clone(&replica.engine);
        tasks.spawn(async move { engine.run_key_schedule().await.unwrap() });
    }
    tasks.join_all().await;
    for replica in [&replicas.a, &replicas.b] {
        assert_eq!(published(replica).len(), 2);
    }
    assert_eq!(published(&replicas.a), published(&replicas.b));
}

/// What is over is removed by whoever comes first, and by nobody twice.
#[tokio::test]
async fn keys_that_are_over_are_removed_once() {
    let Replicas { a, b, clock, .. } = &Replicas::start().await;
    rotate(a, RotationMode::Announced).await.unwrap();
    b.follow().await;
    clock.advance_seconds(1800 + DAY + 60);
    let (by_a, by_b) = tokio::join!(a.engine.run_key_schedule(), b.engine.run_key_schedule());
    by_a.unwrap();
    by_b.unwrap();
    for replica in [a, b] {
        replica.follow().await;
        assert_eq!(published(replica).len(), 1);
    }
}
