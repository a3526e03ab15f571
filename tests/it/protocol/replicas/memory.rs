//! What is answered from memory alone (STORE section 8): no round trip to the store.

use std::collections::BTreeMap;

use jeton::types::secret::Secret;

use super::{Replicas, default_workspace};

#[tokio::test]
async fn what_a_client_does_for_itself_asks_the_store_nothing() {
    let Replicas { a, .. } = &Replicas::start().await;
    let client = a.register().await;
    // The first request reads the client.
    let token = Secret::new(a.client_credentials(&client).await.unwrap());
    assert_eq!(a.store.take_calls().get("client"), Some(&1));

    a.client_credentials(&client).await.unwrap();
    a.engine.published_keys(&default_workspace()).unwrap();
    a.engine.described_workspace(&default_workspace()).unwrap();
    assert_eq!(a.store.take_calls(), BTreeMap::new());

    // A shared store answers this one call from its own memory.
    assert!(a.engine.introspect(&default_workspace(), &client, &token).await.unwrap().is_some());
    assert_eq!(a.store.take_calls(), BTreeMap::from([("token_stands", 1)]));
}

/// The feed of a store on which nothing happens costs one question.
#[tokio::test]
async fn following_when_nothing_changed_is_one_question() {
    let Replicas { a, .. } = &Replicas::start().await;
    a.store.take_calls();
    a.follow().await;
    assert_eq!(a.store.take_calls(), BTreeMap::from([("changes", 1)]));
}
