//! A workspace that one replica made, changed or deleted is the same on every other.

use std::sync::Arc;

use jeton::engine::manage_workspaces::WorkspaceSettings;
use jeton::engine::workspaces::WorkspaceEntry;
use jeton::types::error::{ErrorCode, Refusal};

use super::{Replica, Replicas, named};

async fn create(replica: &Replica, name: &str) -> Result<Arc<WorkspaceEntry>, Refusal> {
    replica.engine.create_workspace(replica.administrator(), name, &WorkspaceSettings::default()).await
}

async fn update(replica: &Replica, name: &str, title: &str, revision: u64) -> Result<Arc<WorkspaceEntry>, Refusal> {
    let settings = WorkspaceSettings { display_name: title.to_owned(), ..WorkspaceSettings::default() };
    replica.engine.update_workspace(replica.administrator(), name, &settings, revision).await
}

async fn delete(replica: &Replica, name: &str) -> Result<(), Refusal> {
    replica.engine.delete_workspace(replica.administrator(), name).await
}

fn title(replica: &Replica, name: &str) -> Option<String> {
    let entry = replica.engine.read_workspace(replica.administrator(), name).ok()?;
    Some(entry.record.display_name.clone())
}

#[tokio::test]
async fn a_workspace_made_elsewhere_is_served() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    create(a, "acme").await.unwrap();
    let client = a.register_in(&named("acme")).await;
    b.follow().await;
    let token = b.client_credentials_in(&named("acme"), &client).await.unwrap();
    let token = jeton::types::secret::Secret::new(token);
    assert!(a.engine.introspect(&named("acme"), &client, &token).await.unwrap().is_some(), "both sign with its key");
}

/// Threat M3: a suspended workspace issues nothing, wherever it is asked.
#[tokio::test]
async fn a_workspace_suspended_elsewhere_issues_nothing() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    create(a, "acme").await.unwrap();
    let client = a.register_in(&named("acme")).await;
    b.follow().await;
    b.client_credentials_in(&named("acme"), &client).await.unwrap();
    let suspended = WorkspaceSettings { suspended: true, ..WorkspaceSettings::default() };
    a.engine.update_workspace(a.administrator(), "acme", &suspended, 0).await.unwrap();
    b.follow().await;
    let refused = b.client_credentials_in(&named("acme"), &client).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidClient);
}

/// A name may be used again: what is served under it is the new one.
#[tokio::test]
async fn a_workspace_deleted_elsewhere_is_gone_and_its_name_is_free() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    let first = create(a, "acme").await.unwrap();
    b.follow().await;
    assert!(title(b, "acme").is_some());
    delete(a, "acme").await.unwrap();
    b.follow().await;
    assert!(title(b, "acme").is_none());
    create(a, "acme").await.unwrap();
    delete(a, "acme").await.unwrap();
    let last = create(a, "acme").await.unwrap();
    b.follow().await;
    let served = b.engine.read_workspace(b.administrator(), "acme").unwrap();
    assert_eq!(served.record, last.record);
    assert_ne!(served.record.id, first.record.id);
}

/// What a replica has in memory decides nothing about what is changed: the store does.
#[tokio::test]
async fn a_change_rests_on_what_the_store_has_now() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    create(a, "acme").await.unwrap();
    assert!(matches!(create(b, "acme").await, Err(Refusal::AlreadyExists(_))), "made elsewhere, not followed yet");
    update(a, "acme", "by a", 1).await.unwrap();
    assert!(matches!(update(b, "acme", "by b", 1).await, Err(Refusal::Changed(_))), "about what it was");
    assert_eq!(update(b, "acme", "by b", 0).await.unwrap().record.revision, 3, "about whatever it is");
    a.follow().await;
    assert_eq!(title(a, "acme").unwrap(), "by b");
    delete(a, "acme").await.unwrap();
    assert!(matches!(update(b, "acme", "by b", 0).await, Err(Refusal::NotFound(_))));
    assert!(matches!(delete(b, "acme").await, Err(Refusal::NotFound(_))));
    create(b, "acme").await.unwrap();
}

/// Replicas that change one workspace at once take turns, and end with the same one.
#[tokio::test]
async fn changes_made_at_once_are_all_done() {
    let Replicas { a, b, .. } = &Replicas::start().await;
    create(a, "acme").await.unwrap();
    let many = async |replica: &Replica, title: &str| {
        for _ in 0..20 {
            update(replica, "acme", title, 0).await.unwrap();
        }
    };
    tokio::join!(many(a, "by a"), many(b, "by b"));
    a.follow().await;
    b.follow().await;
    let [of_a, of_b] = [a, b].map(|replica| replica.engine.read_workspace(replica.administrator(), "acme").unwrap());
    assert_eq!(of_a.record, of_b.record);
    assert_eq!(of_a.record.revision, 41);
}
