//! The first start of several replicas at once.

use super::{Replicas, default_workspace};

/// One set of data keys, one default workspace, one key: whoever was slower uses what the other made.
#[tokio::test]
async fn replicas_that_start_at_once_on_nothing_are_one_service() {
    let Replicas { a, b, .. } = &Replicas::at_once().await;
    let [of_a, of_b] = [a, b].map(|replica| replica.engine.described_workspace(&default_workspace()).unwrap());
    assert_eq!(of_a.record, of_b.record);
    assert_eq!(a.engine.read_workspace(a.administrator(), "default").unwrap().record.id, of_a.record.id);
    let kids = |replica: &super::Replica| -> Vec<String> {
        let (keys, _) = replica.engine.published_keys(&default_workspace()).unwrap();
        keys.iter().map(|key| key.key.kid().to_owned()).collect()
    };
    assert_eq!(kids(a), kids(b));
    assert_eq!(kids(a).len(), 1);

    // A digest made under one's data keys is good under the other's.
    let client = a.register().await;
    let token = jeton::types::secret::Secret::new(b.client_credentials(&client).await.unwrap());
    assert!(a.engine.introspect(&default_workspace(), &client, &token).await.unwrap().is_some());
    let calls = [a.store.take_calls(), b.store.take_calls()];
    assert_eq!(calls.each_ref().map(|calls| calls["insert_data_keys"]), [1, 1], "both found nothing");
    assert_eq!(calls.each_ref().map(|calls| calls["insert_workspace"]), [1, 1]);
}
