//! A client that one replica changed is the same on every other.

use std::time::Duration;

use jeton::engine::client_auth::ClientCredential;
use jeton::types::error::ErrorCode;

use super::{Replica, Replicas, credential, default_workspace};

async fn refused(replica: &Replica, client: &ClientCredential) -> ErrorCode {
    replica.client_credentials(client).await.unwrap_err().code
}

#[tokio::test]
async fn a_new_client_works_on_every_replica_at_once() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let client = a.register().await;
    b.client_credentials(&client).await.unwrap();
}

/// Threat B4: who was disabled is refused wherever they come.
#[tokio::test]
async fn a_client_disabled_elsewhere_is_refused() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let client = a.register().await;
    b.client_credentials(&client).await.unwrap();
    let disable = async |disabled| {
        a.engine.set_client_disabled(a.administrator(), &default_workspace(), client.claimed_id(), disabled).await
    };
    disable(true).await.unwrap();
    b.follow().await;
    assert_eq!(refused(b, &client).await, ErrorCode::InvalidClient);
    disable(false).await.unwrap();
    b.follow().await;
    b.client_credentials(&client).await.unwrap();
}

#[tokio::test]
async fn a_client_deleted_elsewhere_is_refused() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let client = a.register().await;
    b.client_credentials(&client).await.unwrap();
    a.engine.delete_client(a.administrator().into(), &default_workspace(), client.claimed_id()).await.unwrap();
    b.follow().await;
    assert_eq!(refused(b, &client).await, ErrorCode::InvalidClient);
}

/// Threat E4: a secret that was replaced without an overlap opens nothing, and the new one does.
#[tokio::test]
async fn a_secret_rotated_elsewhere_is_the_only_one() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let old = a.register().await;
    b.client_credentials(&old).await.unwrap();
    let caller = a.administrator().into();
    let rotated = a.engine.rotate_client_secret(caller, &default_workspace(), old.claimed_id(), 0).await.unwrap();
    b.follow().await;
    assert_eq!(refused(b, &old).await, ErrorCode::InvalidClient);
    b.client_credentials(&credential(rotated)).await.unwrap();
}

/// A tokens' end that one replica was told counts for tokens that another one issued.
#[tokio::test]
async fn tokens_ended_elsewhere_are_not_active() {
    let Replicas { a, b, clock, .. } = &Replicas::start().await;
    let client = a.register().await;
    let token = jeton::types::secret::Secret::new(b.client_credentials(&client).await.unwrap());
    assert!(b.engine.introspect(&default_workspace(), &client, &token).await.unwrap().is_some());
    clock.advance_seconds(1);
    a.engine.revoke_client_tokens(a.administrator(), &default_workspace(), client.claimed_id()).await.unwrap();
    b.follow().await;
    assert!(b.engine.introspect(&default_workspace(), &client, &token).await.unwrap().is_none());
}

/// A look-up that read before a change, and answers after it was followed, is remembered by nobody.
#[tokio::test]
async fn a_look_up_under_way_keeps_nothing_of_before() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    for lost in [false, true] {
        let client = a.register().await;
        let mut held = b.store.hold_client();
        let (begun_before, ()) = tokio::join!(b.client_credentials(&client), async {
            held.read().await;
            let administrator = a.administrator();
            a.engine.set_client_disabled(administrator, &default_workspace(), client.claimed_id(), true).await.unwrap();
            if lost {
                b.store.lose_feed();
            }
            b.follow().await;
            let now = tokio::time::timeout(Duration::from_secs(60), refused(b, &client)).await;
            assert_eq!(now.expect("who comes now does not wait for it"), ErrorCode::InvalidClient);
            held.answer();
        });
        begun_before.unwrap();
        assert_eq!(refused(b, &client).await, ErrorCode::InvalidClient);
    }
}

/// Two replicas that change one client take turns: neither undoes what the other did.
#[tokio::test]
async fn replicas_that_change_a_client_at_once_lose_nothing() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let client = a.register().await;
    let id = client.claimed_id();
    let rotate = async |replica: &Replica| {
        let caller = replica.administrator().into();
        replica.engine.rotate_client_secret(caller, &default_workspace(), id, 60).await.unwrap()
    };
    let (by_a, by_b) = tokio::join!(rotate(a), rotate(b));
    let read = b.engine.read_client(b.administrator().into(), &default_workspace(), id).await.unwrap();
    assert_eq!(read.revision, 3, "the one that was later began again on what the other had made");
    let newest = if by_a.client.revision > by_b.client.revision { by_a } else { by_b };
    a.client_credentials(&credential(newest)).await.unwrap();
}

/// A replica that was away for longer than the feed remembers reads everything again.
#[tokio::test]
async fn who_lost_the_feed_forgets_everything() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let client = a.register().await;
    b.client_credentials(&client).await.unwrap();
    a.engine.delete_client(a.administrator().into(), &default_workspace(), client.claimed_id()).await.unwrap();
    b.store.lose_feed();
    b.follow().await;
    assert_eq!(refused(b, &client).await, ErrorCode::InvalidClient);
}
