//! A connection that breaks between a change and its answer: the caller hears the truth, and the change happened once.
//!
//! STORE section 8, `InDoubt`: ids and digests are made by the caller before the call, so repeating it is safe.

use jeton::store::grant::State;
use jeton::store::grant::revoke::revoked;
use jeton::store::policy_use::PolicyUse;
use jeton::store::postgres::PostgresStore;
use jeton::store::scope::ScopeEntry;
use jeton::store::token::{SingleUse, SingleUseKind};
use jeton::store::{Replaced, Store};
use jeton::types::ids::{SessionId, Subject};
use jeton::types::policy::Policy;

use crate::store::contract::token_revoked;
use crate::store::postgres::open;
use crate::store::sample::{
    NOW, WORKSPACE, client, client_id, consent, grant_id, keep_workspace, requested, rotating, session, signing_key, user,
    workspace,
};
use crate::support::postgres::migrated;
use crate::support::proxy::{Lost, Proxy};

/// A store behind a network that fails, and one that is not.
struct Scene {
    proxy: Proxy,
    store: PostgresStore,
    direct: PostgresStore,
}

impl Scene {
    async fn new() -> Self {
        let database = migrated().await;
        let proxy = Proxy::before(database.address()).await;
        let store = open(&database.on(&proxy)).await;
        Self { store, direct: open(&database).await, proxy }
    }

    /// Makes a change whose request or answer is lost.
    async fn losing<T>(&self, lost: Lost, change: impl AsyncFn(&PostgresStore) -> T) -> T {
        let before = self.proxy.losses();
        self.proxy.lose(lost, &WORKSPACE.0);
        let outcome = change(&self.store).await;
        assert_eq!(self.proxy.losses(), before + 1, "nothing was lost");
        outcome
    }
}

/// What is done to each record, with the one or the other lost.
const BOTH: [Lost; 2] = [Lost::Answer, Lost::Request];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_record_whose_answer_was_lost_is_kept_once_and_its_caller_told_so() {
    let scene = Scene::new().await;
    for (number, lost) in (0_u8..).zip(BOTH) {
        let id = grant_id(number.into());
        assert!(scene.losing(lost, async |store| store.insert_grant(WORKSPACE, id, &requested()).await.unwrap()).await);
        assert!(!scene.direct.insert_grant(WORKSPACE, id, &rotating()).await.unwrap(), "another's is another's");
        assert!(!scene.losing(lost, async |store| store.insert_grant(WORKSPACE, id, &rotating()).await.unwrap()).await);

        let application = client(number.into());
        assert!(scene.losing(lost, async |store| store.insert_client(WORKSPACE, &application).await.unwrap()).await);
        let renamed = jeton::store::client::Client { name: "another".to_owned(), ..client(number.into()) };
        assert!(!scene.losing(lost, async |store| store.insert_client(WORKSPACE, &renamed).await.unwrap()).await);

        let person = user(&format!("person-{number}"));
        assert!(scene.losing(lost, async |store| store.insert_user(WORKSPACE, &person).await.unwrap()).await);
        let consent = consent("alice", number.into());
        assert!(scene.losing(lost, async |store| store.insert_consent(WORKSPACE, &consent).await.unwrap()).await);
        let (id, session) = (SessionId([number; 16]), session(NOW.plus(60)));
        assert!(scene.losing(lost, async |store| store.insert_session(WORKSPACE, id, &session).await.unwrap()).await);
        let key = jeton::store::key::SigningKey { serial: 100 + u64::from(number), ..signing_key(&format!("key-{number}")) };
        assert!(scene.losing(lost, async |store| store.insert_signing_key(WORKSPACE, &key).await.unwrap()).await);

        assert!(scene.direct.client(WORKSPACE, &application.id).await.unwrap().is_some());
        assert!(scene.direct.user(WORKSPACE, &person.subject).await.unwrap().is_some());
        assert!(scene.direct.session(WORKSPACE, id).await.unwrap().is_some());
        assert_eq!(scene.direct.signing_keys(WORKSPACE).await.unwrap().len(), usize::from(number) + 1);
    }
    let alice = Subject::parse("alice").unwrap();
    assert_eq!(scene.direct.consents(WORKSPACE, &alice).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_workspace_whose_answer_was_lost_is_kept_with_its_key_and_its_end_too() {
    let scene = Scene::new().await;
    for lost in BOTH {
        let acme = workspace(WORKSPACE, "acme");
        assert!(scene.losing(lost, async |store| keep_workspace(store, &acme).await).await);
        assert_eq!(scene.direct.workspaces().await.unwrap(), [acme]);
        assert_eq!(scene.direct.signing_keys(WORKSPACE).await.unwrap().len(), 1);
        assert!(scene.losing(lost, async |store| store.delete_workspace(WORKSPACE).await.unwrap()).await);
        assert!(scene.direct.workspaces().await.unwrap().is_empty());
        while scene.direct.sweep(NOW, 100).await.unwrap().more {}
        assert!(scene.direct.signing_keys(WORKSPACE).await.unwrap().is_empty());
    }
}

/// B9: a rotation that happened is never answered as one that did not, or the client's next one would be reuse.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_whose_answer_was_lost_is_done_once_and_its_caller_told_so() {
    let scene = Scene::new().await;
    for (number, lost) in (0..).zip(BOTH) {
        let id = grant_id(number);
        assert!(scene.direct.insert_grant(WORKSPACE, id, &requested()).await.unwrap());
        let loaded = scene.direct.grant(WORKSPACE, id).await.unwrap().unwrap();
        let swapped = scene.losing(lost, async |store| store.swap_grant(WORKSPACE, id, &loaded.version, &rotating()).await);
        assert!(swapped.await.unwrap());
        let again = scene.losing(lost, async |store| store.swap_grant(WORKSPACE, id, &loaded.version, &rotating()).await);
        assert!(!again.await.unwrap(), "the version is another now");

        let loaded = scene.direct.grant(WORKSPACE, id).await.unwrap().unwrap();
        let ended = revoked(&loaded.record, NOW, "signed out");
        let swapped = scene.losing(lost, async |store| store.swap_grant(WORKSPACE, id, &loaded.version, &ended).await);
        assert!(swapped.await.unwrap());
        let kept = scene.direct.grant(WORKSPACE, id).await.unwrap().unwrap().record;
        assert!(matches!(kept.state, State::Revoked(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_whose_answer_was_lost_is_done_once_and_its_caller_told_so() {
    let scene = Scene::new().await;
    keep_workspace(&scene.direct, &workspace(WORKSPACE, "acme")).await;
    scene.direct.insert_client(WORKSPACE, &client(1)).await.unwrap();
    scene.direct.insert_user(WORKSPACE, &user("alice")).await.unwrap();
    scene.direct.insert_consent(WORKSPACE, &consent("alice", 1)).await.unwrap();
    for (expected, lost) in (1..).zip(BOTH) {
        let revision = expected + 1;
        let acme = jeton::store::workspace::Workspace { revision, ..workspace(WORKSPACE, "acme") };
        let outcome = scene.losing(lost, async |store| store.replace_workspace(expected, &acme).await.unwrap()).await;
        assert_eq!(outcome, Replaced::Done);
        let next = jeton::store::client::Client { revision, ..client(1) };
        let outcome = scene.losing(lost, async |store| store.replace_client(WORKSPACE, expected, &next).await.unwrap()).await;
        assert_eq!(outcome, Replaced::Done);
        let other = jeton::store::client::Client { name: "another".to_owned(), ..next };
        let outcome = scene.losing(lost, async |store| store.replace_client(WORKSPACE, expected, &other).await.unwrap()).await;
        assert_eq!(outcome, Replaced::Changed);
        let alice = jeton::store::user::User { revision, ..user("alice") };
        let outcome = scene.losing(lost, async |store| store.replace_user(WORKSPACE, expected, &alice).await.unwrap()).await;
        assert_eq!(outcome, Replaced::Done);
        let next = jeton::store::consent::Consent { revision, ..consent("alice", 1) };
        let outcome = scene.losing(lost, async |store| store.replace_consent(WORKSPACE, expected, &next).await.unwrap()).await;
        assert_eq!(outcome, Replaced::Done);
    }
    assert_eq!(scene.direct.client(WORKSPACE, &client_id(1)).await.unwrap().unwrap().name, "client 1");
    assert_eq!(scene.direct.workspaces().await.unwrap()[0].revision, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_whose_answer_was_lost_is_the_end_and_its_caller_told_so() {
    let scene = Scene::new().await;
    let read = ScopeEntry { name: "read".to_owned(), description: "See".to_owned(), restricted: false };
    for lost in BOTH {
        scene.direct.insert_client(WORKSPACE, &client(1)).await.unwrap();
        assert!(scene.losing(lost, async |store| store.delete_client(WORKSPACE, &client_id(1)).await.unwrap()).await);
        assert!(scene.direct.client(WORKSPACE, &client_id(1)).await.unwrap().is_none());

        let id = SessionId([1; 16]);
        scene.direct.insert_session(WORKSPACE, id, &session(NOW.plus(60))).await.unwrap();
        assert!(scene.losing(lost, async |store| store.delete_session(WORKSPACE, id).await.unwrap()).await);
        assert!(scene.direct.session(WORKSPACE, id).await.unwrap().is_none());

        scene.direct.insert_signing_key(WORKSPACE, &signing_key("k1")).await.unwrap();
        assert!(scene.losing(lost, async |store| store.delete_signing_key(WORKSPACE, "k1").await.unwrap()).await);
        assert!(scene.direct.signing_keys(WORKSPACE).await.unwrap().is_empty());

        scene.losing(lost, async |store| store.put_scope(WORKSPACE, &read).await.unwrap()).await;
        assert_eq!(scene.direct.scopes(WORKSPACE).await.unwrap().len(), 1);
        assert!(scene.losing(lost, async |store| store.delete_scope(WORKSPACE, "read").await.unwrap()).await);
        assert!(scene.direct.scopes(WORKSPACE).await.unwrap().is_empty());
    }
    // Who asked for the end of nothing is not told otherwise when nothing was lost.
    assert!(!scene.store.delete_client(WORKSPACE, &client_id(1)).await.unwrap());
}

/// A mark counts here and on the other replica, whatever became of its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_whose_answer_was_lost_counts_everywhere() {
    let scene = Scene::new().await;
    for (jti, lost) in ["j1", "j2"].into_iter().zip(BOTH) {
        let start = scene.direct.feed_version().await.unwrap();
        scene.losing(lost, async |store| store.revoke_token(WORKSPACE, jti, NOW.plus(60)).await.unwrap()).await;
        assert!(token_revoked(&scene.store, WORKSPACE, jti).await);
        scene.direct.changes(start, 100).await.unwrap();
        assert!(token_revoked(&scene.direct, WORKSPACE, jti).await);
    }
}

/// Nobody can know whose use it was whose answer was lost; that no second one is let through is what counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_whose_answer_was_lost_is_never_followed_by_another() {
    let scene = Scene::new().await;
    for (number, lost) in (0..).zip(BOTH) {
        let once = SingleUse { kind: SingleUseKind::DpopProof, id: [number; 32], until: NOW.plus(300) };
        let first = scene.losing(lost, async |store| store.first_use(WORKSPACE, &once).await.unwrap()).await;
        assert!(first || lost == Lost::Answer, "a request that never arrived used nothing up");
        assert!(!scene.direct.first_use(WORKSPACE, &once).await.unwrap());
    }
}

/// Counting again is the contract's own exception; it is counted at least once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_of_a_policy_whose_answer_was_lost_is_counted() {
    let scene = Scene::new().await;
    let used = PolicyUse { policy: Policy::PkceOptional, count: 1, last_used_at: NOW };
    for lost in BOTH {
        scene.losing(lost, async |store| store.add_policy_use(WORKSPACE, &client_id(1), &used).await.unwrap()).await;
    }
    let uses = scene.direct.policy_uses(WORKSPACE, &client_id(1)).await.unwrap();
    assert_eq!(uses.len(), 1);
    assert!((2..=4).contains(&uses[0].count), "{} uses", uses[0].count);
}
