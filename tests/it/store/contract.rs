//! What every adapter keeps, written against the port alone.  An adapter's module calls
//! `contract!` with a function that makes an empty store.

use std::any::Any;
use std::sync::Arc;

use jeton::store::client::Client;
use jeton::store::consent::Consent;
use jeton::store::grant::redeem::{Redeemed, Redemption, redeem};
use jeton::store::grant::revoke::revoke;
use jeton::store::grant::rotate::{Rotated, Rotation, rotate};
use jeton::store::grant::{Grant, State, Step, transition};
use jeton::store::key::{SealedDataKeys, SigningKey};
use jeton::store::policy_use::PolicyUse;
use jeton::store::scope::ScopeEntry;
use jeton::store::token::IssuedToken;
use jeton::store::user::User;
use jeton::store::{Health, Replaced, Store, StoreError, Version};
use jeton::types::ids::{ClientId, GrantId, SessionId, Subject, WorkspaceId};
use jeton::types::policy::Policy;
use jeton::types::scope::Scope;
use jeton::types::time::{UnixMillis, UnixSeconds};
use tokio::task::JoinSet;

use crate::store::sample::{
    self, NOW, WORKSPACE, active, client, client_id, code_issued, consent, digest, grant_id, keep_workspace, requested, rotating,
    session, signing_key, user, workspace,
};

/// An empty store, and what must live as long as it.
pub struct Fresh {
    pub store: Arc<dyn Store>,
    pub _kept: Box<dyn Any + Send>,
}

/// Makes a test of every rule of the contract.
macro_rules! contract {
    ($fresh:path; $module:ident: $($rule:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let fresh = $fresh().await;
                $crate::store::$module::$rule(std::sync::Arc::clone(&fresh.store)).await;
                fresh.store.close().await.unwrap();
            }
        )+
    };
    ($fresh:path) => {
        contract!($fresh; contract:
            a_workspace_is_kept_under_its_name,
            a_name_is_free_again_after_its_workspace_went,
            of_workspaces_made_at_once_under_one_name_one_is_kept,
            deleting_a_workspace_removes_what_is_in_it,
            a_client_is_kept_once,
            clients_are_paged_in_the_order_of_their_ids,
            the_clients_of_a_person_are_found_by_the_person,
            workspaces_do_not_see_each_others_records,
            a_replacement_needs_the_newest_revision,
            of_replacements_made_at_once_one_is_done,
            a_user_is_kept_and_paged,
            a_session_is_kept_until_it_is_ended_or_over,
            consents_are_kept_by_person_and_client,
            scopes_are_described_in_the_order_of_their_names,
            uses_of_policies_add_up_whoever_adds,
            signing_keys_are_kept_and_removed,
            data_keys_are_kept_in_their_order,
            a_grant_is_kept_once,
            a_swap_needs_the_exact_version,
            a_code_redeemed_by_many_has_one_winner,
            a_repeated_attempt_is_no_second_redemption,
            a_refresh_token_rotated_by_many_has_one_winner,
            after_a_revocation_is_answered_nothing_is_active,
            a_token_is_revoked_once_and_for_its_workspace,
            sweeping_removes_what_is_over_and_nothing_else,
            sweeping_goes_on_where_it_stopped,
            sweeping_spares_the_first_key_of_a_workspace,
            a_closed_store_refuses,
        );
        contract!($fresh; shared:
            the_feed_tells_what_changed_in_the_order_of_the_commits,
            the_feed_tells_nothing_of_what_did_not_happen,
            a_follower_misses_nothing_while_many_write,
            a_version_that_the_feed_does_not_have_is_lost,
            what_is_used_once_has_one_winner,
            another_kind_end_or_workspace_is_another_use,
            sweeping_keeps_a_use_until_its_end,
            of_two_keys_with_one_serial_one_is_kept,
        );
    };
}

pub async fn a_workspace_is_kept_under_its_name(store: Arc<dyn Store>) {
    let acme = workspace(WorkspaceId([2; 16]), "acme");
    let zebra = workspace(WorkspaceId([1; 16]), "zebra");
    assert!(keep_workspace(&*store, &zebra).await);
    assert!(keep_workspace(&*store, &acme).await);
    assert!(!keep_workspace(&*store, &workspace(WorkspaceId([3; 16]), "acme")).await, "the name is taken");
    assert!(!keep_workspace(&*store, &workspace(WorkspaceId([2; 16]), "other")).await, "the id is taken");
    assert_eq!(store.workspaces().await.unwrap(), [acme, zebra]);
}

pub async fn a_name_is_free_again_after_its_workspace_went(store: Arc<dyn Store>) {
    let first = workspace(WorkspaceId([1; 16]), "acme");
    let second = workspace(WorkspaceId([2; 16]), "acme");
    assert!(keep_workspace(&*store, &first).await);
    assert!(store.delete_workspace(first.id).await.unwrap());
    assert!(!store.delete_workspace(first.id).await.unwrap());
    assert!(keep_workspace(&*store, &second).await);
    assert_eq!(store.workspaces().await.unwrap(), [second]);
}

pub async fn of_workspaces_made_at_once_under_one_name_one_is_kept(store: Arc<dyn Store>) {
    let mut tasks = JoinSet::new();
    for id in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { keep_workspace(&*store, &workspace(WorkspaceId([id; 16]), "acme")).await });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|kept| *kept).count(), 1);
    assert_eq!(store.workspaces().await.unwrap().len(), 1);
}

pub async fn deleting_a_workspace_removes_what_is_in_it(store: Arc<dyn Store>) {
    keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await;
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    store.insert_user(WORKSPACE, &user("alice")).await.unwrap();
    store.insert_signing_key(WORKSPACE, &signing_key("k1")).await.unwrap();
    for number in 0..500 {
        let store = Arc::clone(&store);
        store.insert_grant(WORKSPACE, grant_id(number), &active()).await.unwrap();
    }
    assert!(store.delete_workspace(WORKSPACE).await.unwrap());
    while store.sweep(NOW, 100).await.unwrap().more {}
    assert!(store.client(WORKSPACE, &client_id(1)).await.unwrap().is_none());
    assert!(store.user(WORKSPACE, &Subject::parse("alice").unwrap()).await.unwrap().is_none());
    assert!(store.signing_keys(WORKSPACE).await.unwrap().is_empty());
    for number in 0..500 {
        assert!(store.grant(WORKSPACE, grant_id(number)).await.unwrap().is_none());
    }
}

pub async fn a_client_is_kept_once(store: Arc<dyn Store>) {
    assert!(store.client(WORKSPACE, &client_id(1)).await.unwrap().is_none());
    assert!(store.insert_client(WORKSPACE, &client(1)).await.unwrap());
    assert!(!store.insert_client(WORKSPACE, &client(1)).await.unwrap());
    let kept = store.client(WORKSPACE, &client_id(1)).await.unwrap().unwrap();
    assert_eq!(format!("{kept:?}"), format!("{:?}", client(1)));
    assert!(store.delete_client(WORKSPACE, &client_id(1)).await.unwrap());
    assert!(!store.delete_client(WORKSPACE, &client_id(1)).await.unwrap());
    assert!(store.client(WORKSPACE, &client_id(1)).await.unwrap().is_none());
}

pub async fn clients_are_paged_in_the_order_of_their_ids(store: Arc<dyn Store>) {
    let mut ids: Vec<_> = (0..25).map(client_id).collect();
    for number in 0..25 {
        store.insert_client(WORKSPACE, &client(number)).await.unwrap();
    }
    ids.sort();
    let mut seen = Vec::new();
    loop {
        let page = store.clients(WORKSPACE, seen.last(), 10).await.unwrap();
        let full = page.len() == 10;
        seen.extend(page.into_iter().map(|client| client.id));
        if !full {
            break;
        }
    }
    assert_eq!(seen, ids);
    assert!(store.clients(WORKSPACE, None, 0).await.unwrap().is_empty());
}

/// A client's own record says whose it is, and no name is the beginning of another.
pub async fn the_clients_of_a_person_are_found_by_the_person(store: Arc<dyn Store>) {
    let person = |name: &str| Subject::parse(name).unwrap();
    let mut ids: Vec<_> = (0..5).map(client_id).collect();
    for number in 0..5 {
        let owned = Client { owner: Some(person("ann")), ..client(number) };
        assert!(store.insert_client(WORKSPACE, &owned).await.unwrap());
        assert!(!store.insert_client(WORKSPACE, &owned).await.unwrap());
    }
    store.insert_client(WORKSPACE, &Client { owner: Some(person("anna")), ..client(5) }).await.unwrap();
    store.insert_client(WORKSPACE, &Client { owner: None, ..client(6) }).await.unwrap();
    // Another one's client of that id stays another one's.
    let taken = Client { owner: Some(person("ann")), ..client(5) };
    assert!(!store.insert_client(WORKSPACE, &taken).await.unwrap());
    ids.sort();
    let of = async |name: &str, after: Option<&ClientId>, limit| {
        let found = store.clients_of(WORKSPACE, &person(name), after, limit).await.unwrap();
        found.into_iter().map(|client| client.id).collect::<Vec<_>>()
    };
    assert_eq!(of("ann", None, 10).await, ids);
    assert_eq!(of("ann", None, 2).await, ids[..2]);
    assert_eq!(of("ann", Some(&ids[1]), 10).await, ids[2..]);
    assert_eq!(of("anna", None, 10).await, [client_id(5)]);
    assert_eq!(of("an", None, 10).await, []);
    assert!(store.delete_client(WORKSPACE, &ids[0]).await.unwrap());
    assert_eq!(of("ann", None, 10).await, ids[1..]);
}

/// SECURITY: whatever is stored has its workspace before its key.
pub async fn workspaces_do_not_see_each_others_records(store: Arc<dyn Store>) {
    let other = WorkspaceId([8; 16]);
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    store.insert_user(WORKSPACE, &user("alice")).await.unwrap();
    store.insert_signing_key(WORKSPACE, &signing_key("k1")).await.unwrap();
    store.insert_grant(WORKSPACE, grant_id(1), &active()).await.unwrap();
    store.revoke_token(WORKSPACE, "j1", NOW).await.unwrap();
    assert!(store.client(other, &client_id(1)).await.unwrap().is_none());
    assert!(store.clients(other, None, 10).await.unwrap().is_empty());
    assert!(store.clients(WorkspaceId([6; 16]), None, 10).await.unwrap().is_empty());
    assert!(store.users(other, None, 10).await.unwrap().is_empty());
    assert!(store.signing_keys(other).await.unwrap().is_empty());
    assert!(store.grant(other, grant_id(1)).await.unwrap().is_none());
    assert!(!token_revoked(&*store, other, "j1").await);
}

pub async fn a_replacement_needs_the_newest_revision(store: Arc<dyn Store>) {
    let mut newer = client(1);
    newer.revision = 2;
    newer.name = "renamed".to_owned();
    assert_eq!(store.replace_client(WORKSPACE, 1, &newer).await.unwrap(), Replaced::Missing);
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    assert_eq!(store.replace_client(WORKSPACE, 1, &newer).await.unwrap(), Replaced::Done);
    assert_eq!(store.replace_client(WORKSPACE, 1, &newer).await.unwrap(), Replaced::Changed);
    assert_eq!(store.client(WORKSPACE, &client_id(1)).await.unwrap().unwrap().name, "renamed");

    let mut acme = workspace(WORKSPACE, "acme");
    assert_eq!(store.replace_workspace(1, &acme).await.unwrap(), Replaced::Missing);
    keep_workspace(&*store, &acme).await;
    acme.suspended = true;
    acme.revision = 2;
    assert_eq!(store.replace_workspace(1, &acme).await.unwrap(), Replaced::Done);
    assert_eq!(store.replace_workspace(1, &acme).await.unwrap(), Replaced::Changed);
    assert_eq!(store.workspaces().await.unwrap(), [acme]);
}

pub async fn of_replacements_made_at_once_one_is_done(store: Arc<dyn Store>) {
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut next = client(1);
            next.revision = 2;
            next.name = format!("writer {number}");
            store.replace_client(WORKSPACE, 1, &next).await.unwrap()
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Replaced::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Replaced::Changed).count(), 15);
}

pub async fn a_user_is_kept_and_paged(store: Arc<dyn Store>) {
    for subject in ["carol", "alice", "bob"] {
        assert!(store.insert_user(WORKSPACE, &user(subject)).await.unwrap());
    }
    assert!(!store.insert_user(WORKSPACE, &user("alice")).await.unwrap());
    let alice = Subject::parse("alice").unwrap();
    assert_eq!(shown(&store.user(WORKSPACE, &alice).await.unwrap().unwrap()), shown(&user("alice")));
    assert_eq!(subjects(&store.users(WORKSPACE, None, 2).await.unwrap()), ["alice", "bob"]);
    assert_eq!(subjects(&store.users(WORKSPACE, Some(&alice), 9).await.unwrap()), ["bob", "carol"]);

    let mut disabled = user("alice");
    disabled.disabled = true;
    disabled.revision = 2;
    assert_eq!(store.replace_user(WORKSPACE, 1, &disabled).await.unwrap(), Replaced::Done);
    assert_eq!(store.replace_user(WORKSPACE, 1, &disabled).await.unwrap(), Replaced::Changed);
    assert_eq!(store.replace_user(WORKSPACE, 1, &user("dave")).await.unwrap(), Replaced::Missing);
    assert_eq!(shown(&store.user(WORKSPACE, &alice).await.unwrap().unwrap()), shown(&disabled));
}

/// The subjects of users.
pub fn subjects(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.subject.as_str()).collect()
}

/// Everything of a user: a password's hash has no `==`.
fn shown(user: &User) -> (String, Option<String>) {
    (format!("{user:?}"), user.password.as_ref().map(|hash| hash.phc.expose_secret().to_owned()))
}

pub async fn a_session_is_kept_until_it_is_ended_or_over(store: Arc<dyn Store>) {
    assert!(keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await);
    let (short, long) = (SessionId([1; 16]), SessionId([2; 16]));
    assert!(store.insert_session(WORKSPACE, short, &session(NOW.plus(60))).await.unwrap());
    assert!(!store.insert_session(WORKSPACE, short, &session(NOW.plus(90))).await.unwrap());
    assert!(store.insert_session(WORKSPACE, long, &session(NOW.plus(600))).await.unwrap());
    assert_eq!(store.session(WORKSPACE, short).await.unwrap().unwrap().expires_at, NOW.plus(60));
    assert!(store.session(WorkspaceId([8; 16]), short).await.unwrap().is_none(), "it is of its workspace");

    assert_eq!(sweep_round(&*store, NOW.plus(60)).await, 1);
    assert!(store.session(WORKSPACE, short).await.unwrap().is_none());
    assert!(store.delete_session(WORKSPACE, long).await.unwrap());
    assert!(!store.delete_session(WORKSPACE, long).await.unwrap());
    assert!(store.session(WORKSPACE, long).await.unwrap().is_none());
}

pub async fn consents_are_kept_by_person_and_client(store: Arc<dyn Store>) {
    // Subjects of which one begins with another: neither sees the other's.
    for (subject, number) in [("al", 1), ("al", 2), ("alice", 1)] {
        assert!(store.insert_consent(WORKSPACE, &consent(subject, number)).await.unwrap());
    }
    assert!(!store.insert_consent(WORKSPACE, &consent("al", 1)).await.unwrap());
    let al = Subject::parse("al").unwrap();
    assert_eq!(store.consents(WORKSPACE, &al).await.unwrap().len(), 2);
    assert_eq!(store.consent(WORKSPACE, &al, &client_id(2)).await.unwrap(), Some(consent("al", 2)));
    assert_eq!(store.consent(WORKSPACE, &al, &client_id(3)).await.unwrap(), None);

    let withdrawn = Consent { scope: Scope::empty(), not_before: UnixMillis(5), revision: 2, ..consent("al", 1) };
    assert_eq!(store.replace_consent(WORKSPACE, 1, &withdrawn).await.unwrap(), Replaced::Done);
    assert_eq!(store.replace_consent(WORKSPACE, 1, &withdrawn).await.unwrap(), Replaced::Changed);
    assert_eq!(store.replace_consent(WORKSPACE, 1, &consent("bob", 1)).await.unwrap(), Replaced::Missing);
    assert_eq!(store.consent(WORKSPACE, &al, &client_id(1)).await.unwrap(), Some(withdrawn));
}

pub async fn scopes_are_described_in_the_order_of_their_names(store: Arc<dyn Store>) {
    let entry = |name: &str, description: &str| ScopeEntry {
        name: name.to_owned(),
        description: description.to_owned(),
        restricted: false,
    };
    store.put_scope(WORKSPACE, &entry("write", "Change")).await.unwrap();
    store.put_scope(WORKSPACE, &entry("read", "See")).await.unwrap();
    store.put_scope(WORKSPACE, &entry("write", "Change your things")).await.unwrap();
    assert_eq!(store.scopes(WORKSPACE).await.unwrap(), [entry("read", "See"), entry("write", "Change your things")]);
    assert!(store.scopes(WorkspaceId([8; 16])).await.unwrap().is_empty());
    assert!(store.delete_scope(WORKSPACE, "read").await.unwrap());
    assert!(!store.delete_scope(WORKSPACE, "read").await.unwrap());
    assert_eq!(store.scopes(WORKSPACE).await.unwrap(), [entry("write", "Change your things")]);
}

pub async fn uses_of_policies_add_up_whoever_adds(store: Arc<dyn Store>) {
    let used = |policy, count, at: i64| PolicyUse { policy, count, last_used_at: NOW.plus(at) };
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        let once = used(Policy::PkceOptional, 1, number);
        tasks.spawn(async move { store.add_policy_use(WORKSPACE, &client_id(1), &once).await.unwrap() });
    }
    tasks.join_all().await;
    store.add_policy_use(WORKSPACE, &client_id(1), &used(Policy::CodeInQuery, 5, 0)).await.unwrap();
    store.add_policy_use(WORKSPACE, &client_id(2), &used(Policy::CodeInQuery, 7, 0)).await.unwrap();
    let uses = store.policy_uses(WORKSPACE, &client_id(1)).await.unwrap();
    assert_eq!(uses, [used(Policy::CodeInQuery, 5, 0), used(Policy::PkceOptional, 16, 15)]);
}

pub async fn signing_keys_are_kept_and_removed(store: Arc<dyn Store>) {
    assert!(store.insert_signing_key(WORKSPACE, &signing_key("k1")).await.unwrap());
    assert!(!store.insert_signing_key(WORKSPACE, &signing_key("k1")).await.unwrap());
    let second = SigningKey { serial: 3, ..signing_key("k2") };
    assert!(store.insert_signing_key(WORKSPACE, &second).await.unwrap());
    assert!(store.delete_signing_key(WORKSPACE, "k1").await.unwrap());
    assert!(!store.delete_signing_key(WORKSPACE, "k1").await.unwrap());
    let kept = store.signing_keys(WORKSPACE).await.unwrap();
    assert_eq!(format!("{kept:?}"), format!("{:?}", [second]));
}

pub async fn data_keys_are_kept_in_their_order(store: Arc<dyn Store>) {
    for id in [2, 1, 255] {
        assert!(store.insert_data_keys(&data_keys(id)).await.unwrap());
    }
    assert!(!store.insert_data_keys(&data_keys(2)).await.unwrap());
    let kept = store.data_keys().await.unwrap();
    assert_eq!(format!("{kept:?}"), format!("{:?}", [data_keys(1), data_keys(2), data_keys(255)]));
}

pub async fn a_grant_is_kept_once(store: Arc<dyn Store>) {
    assert!(store.grant(WORKSPACE, grant_id(1)).await.unwrap().is_none());
    assert!(store.insert_grant(WORKSPACE, grant_id(1), &requested()).await.unwrap());
    assert!(!store.insert_grant(WORKSPACE, grant_id(1), &active()).await.unwrap());
    let kept = store.grant(WORKSPACE, grant_id(1)).await.unwrap().unwrap().record;
    assert_eq!(format!("{kept:?}"), format!("{:?}", requested()));
}

pub async fn a_swap_needs_the_exact_version(store: Arc<dyn Store>) {
    let id = grant_id(1);
    assert!(!store.swap_grant(WORKSPACE, id, &Version(Vec::new()), &active()).await.unwrap());
    store.insert_grant(WORKSPACE, id, &requested()).await.unwrap();
    let loaded = store.grant(WORKSPACE, id).await.unwrap().unwrap();
    assert!(store.swap_grant(WORKSPACE, id, &loaded.version, &active()).await.unwrap());
    assert!(!store.swap_grant(WORKSPACE, id, &loaded.version, &rotating()).await.unwrap());
    let kept = store.grant(WORKSPACE, id).await.unwrap().unwrap().record;
    assert_eq!(format!("{kept:?}"), format!("{:?}", active()));
}

/// A3, RFC 6749 section 4.1.2: a code is good for one redemption, whoever comes at the same time.
pub async fn a_code_redeemed_by_many_has_one_winner(store: Arc<dyn Store>) {
    const CODES: u64 = 1000;
    const TASKS: u8 = 64;
    for first in (0..CODES).step_by(8) {
        let mut rounds = JoinSet::new();
        for number in first..first + 8 {
            let store = Arc::clone(&store);
            rounds.spawn(async move {
                let id = grant_id(number);
                store.insert_grant(WORKSPACE, id, &code_issued()).await.unwrap();
                let mut tasks = JoinSet::new();
                for attempt in 1..=TASKS {
                    let store = Arc::clone(&store);
                    tasks.spawn(async move { redeem_code(&*store, id, [attempt; 16]).await });
                }
                let outcomes = tasks.join_all().await;
                let winners = outcomes.iter().filter(|outcome| matches!(outcome, Redeemed::First(_))).count();
                let replays = outcomes.iter().filter(|outcome| **outcome == Redeemed::Replayed).count();
                assert_eq!((winners, replays), (1, usize::from(TASKS) - 1), "code {number}");
                let ended = store.grant(WORKSPACE, id).await.unwrap().unwrap().record;
                assert!(matches!(ended.state, State::Revoked(_)), "a replay revokes what the code gave");
            });
        }
        rounds.join_all().await;
    }
}

/// A redemption whose answer was lost may be repeated under the same name.
pub async fn a_repeated_attempt_is_no_second_redemption(store: Arc<dyn Store>) {
    let id = grant_id(1);
    store.insert_grant(WORKSPACE, id, &code_issued()).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { redeem_code(&*store, id, [5; 16]).await });
    }
    for outcome in tasks.join_all().await {
        assert_eq!(outcome, Redeemed::First(sample::authorization()));
    }
}

/// RFC 9700 section 4.14.2.
pub async fn a_refresh_token_rotated_by_many_has_one_winner(store: Arc<dyn Store>) {
    for number in 0..50 {
        let id = grant_id(number);
        store.insert_grant(WORKSPACE, id, &rotating()).await.unwrap();
        let mut tasks = JoinSet::new();
        for next in 1..=16 {
            let store = Arc::clone(&store);
            tasks.spawn(async move { rotate_token(&*store, id, 0, 100, next).await });
        }
        let outcomes = tasks.join_all().await;
        let rotated = outcomes.iter().filter(|outcome| matches!(outcome, Rotated::Rotated(_))).count();
        let sealed: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Rotated::Retried(_, sealed) => Some(sealed.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(rotated, 1);
        assert_eq!(sealed.len(), 3, "at most three retries");
        assert!(sealed.iter().all(|mine| Some(mine) == sealed.first()), "every retry gets the same successor");
        let ended = store.grant(WORKSPACE, id).await.unwrap().unwrap().record;
        assert!(matches!(ended.state, State::Revoked(_)), "the fourth retry is reuse");
    }
}

/// B3: no rotation, retry or redemption that races a revocation outlives its answer.
pub async fn after_a_revocation_is_answered_nothing_is_active(store: Arc<dyn Store>) {
    for number in 0..100 {
        let id = grant_id(number);
        store.insert_grant(WORKSPACE, id, &rotating()).await.unwrap();
        let mut tasks = JoinSet::new();
        for chain in 0..4 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                for generation in 0..8_u8 {
                    let presented = if generation == 0 { 100 } else { generation };
                    rotate_token(&*store, id, u32::from(generation), presented, generation + 1).await;
                    if chain == number % 4 && generation == 2 {
                        revoke_grant(&*store, id).await;
                        assert!(revoked(&*store, id).await);
                        let after = rotate_token(&*store, id, 3, 3, 4).await;
                        assert_eq!(after, Rotated::Revoked);
                    }
                }
            });
        }
        tasks.join_all().await;
        assert!(revoked(&*store, id).await);
    }
}

/// RFC 7009: revoking twice is revoking once.
pub async fn a_token_is_revoked_once_and_for_its_workspace(store: Arc<dyn Store>) {
    assert!(!token_revoked(&*store, WORKSPACE, "j1").await);
    store.revoke_token(WORKSPACE, "j1", NOW.plus(60)).await.unwrap();
    store.revoke_token(WORKSPACE, "j1", NOW.plus(60)).await.unwrap();
    assert!(token_revoked(&*store, WORKSPACE, "j1").await);
    assert!(!token_revoked(&*store, WORKSPACE, "j2").await);
}

pub async fn sweeping_removes_what_is_over_and_nothing_else(store: Arc<dyn Store>) {
    keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await;
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    store.insert_grant(WORKSPACE, grant_id(1), &code_issued()).await.unwrap();
    store.insert_grant(WORKSPACE, grant_id(2), &rotating()).await.unwrap();
    store.revoke_token(WORKSPACE, "over", NOW.plus(10)).await.unwrap();
    store.revoke_token(WORKSPACE, "good", NOW.plus(100)).await.unwrap();
    assert_eq!(sweep_round(&*store, NOW.plus(9)).await, 0);
    assert_eq!(sweep_round(&*store, NOW.plus(60)).await, 2);
    assert!(store.grant(WORKSPACE, grant_id(1)).await.unwrap().is_none());
    assert!(store.grant(WORKSPACE, grant_id(2)).await.unwrap().is_some());
    assert!(!token_revoked(&*store, WORKSPACE, "over").await);
    assert!(token_revoked(&*store, WORKSPACE, "good").await);
    assert!(store.client(WORKSPACE, &client_id(1)).await.unwrap().is_some());
}

pub async fn sweeping_goes_on_where_it_stopped(store: Arc<dyn Store>) {
    keep_workspace(&*store, &workspace(WORKSPACE, "acme")).await;
    for number in 0..20 {
        store.insert_grant(WORKSPACE, grant_id(number), &if number < 10 { rotating() } else { code_issued() }).await.unwrap();
    }
    let mut removed = 0;
    let mut steps = 0;
    loop {
        let swept = store.sweep(NOW.plus(60), 3).await.unwrap();
        assert!(swept.removed <= 3);
        removed += swept.removed;
        steps += 1;
        if !swept.more {
            break;
        }
    }
    assert_eq!(removed, 10);
    assert!(steps >= 4, "{steps} steps of three for ten records");
    assert_eq!(sweep_round(&*store, NOW.plus(60)).await, 0);
}

/// A workspace without its key could never be opened again.
pub async fn sweeping_spares_the_first_key_of_a_workspace(store: Arc<dyn Store>) {
    let sweeping = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            loop {
                store.sweep(NOW, 1000).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    for number in 0..200_u8 {
        let id = WorkspaceId([number; 16]);
        assert!(keep_workspace(&*store, &workspace(id, &format!("w{number}"))).await);
        let refused = workspace(WorkspaceId([255; 16]), &format!("w{number}"));
        assert!(!keep_workspace(&*store, &refused).await);
        assert_eq!(store.signing_keys(id).await.unwrap().len(), 1);
        assert!(store.signing_keys(refused.id).await.unwrap().is_empty());
    }
    sweeping.abort();
}

pub async fn a_closed_store_refuses(store: Arc<dyn Store>) {
    store.insert_client(WORKSPACE, &client(1)).await.unwrap();
    assert_eq!(*store.health().borrow(), Health::Serving);
    store.close().await.unwrap();
    assert!(matches!(store.insert_client(WORKSPACE, &client(2)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.client(WORKSPACE, &client_id(1)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.clients(WORKSPACE, None, 1).await, Err(StoreError::Unavailable(_))));
    store.close().await.unwrap();
}

async fn redeem_code(store: &dyn Store, id: GrantId, attempt: [u8; 16]) -> Redeemed {
    let client = client_id(1);
    let refresh = sample::first_refresh();
    let redemption = Redemption {
        client: &client,
        code: digest(1),
        redirect_uri: Some("https://app.example.com/callback"),
        challenge: None,
        scope: None,
        attempt,
        refresh: Some(&refresh),
        expires_at: NOW.plus(86_400),
        now: NOW,
    };
    run(store, id, |grant| redeem(grant, &redemption)).await
}

async fn rotate_token(store: &dyn Store, id: GrantId, generation: u32, presented: u8, next: u8) -> Rotated {
    let client = client_id(1);
    let rotation = Rotation {
        client: &client,
        generation,
        presented: digest(presented),
        next: digest(next),
        sealed_next: &[next; 48],
        scope: None,
        retry_window: 30,
        now: UnixMillis(NOW.0 * 1000),
    };
    run(store, id, |grant| rotate(grant, &rotation)).await
}

async fn revoke_grant(store: &dyn Store, id: GrantId) {
    run(store, id, |grant| revoke(grant, NOW, "signed out")).await;
}

async fn revoked(store: &dyn Store, id: GrantId) -> bool {
    matches!(store.grant(WORKSPACE, id).await.unwrap().unwrap().record.state, State::Revoked(_))
}

async fn run<T>(store: &dyn Store, id: GrantId, step: impl FnMut(&Grant) -> Step<T> + Send) -> T {
    let loaded = store.grant(WORKSPACE, id).await.unwrap().unwrap();
    transition(store, WORKSPACE, id, loaded, step).await.unwrap().unwrap()
}

/// Whether a client's own token was marked.
pub async fn token_revoked(store: &dyn Store, workspace: WorkspaceId, jti: &str) -> bool {
    let (subject, client) = (Subject::parse("alice").unwrap(), client_id(1));
    let token = IssuedToken { jti, grant: None, subject: &subject, client: &client };
    !store.token_stands(workspace, &token).await.unwrap()
}

async fn sweep_round(store: &dyn Store, now: UnixSeconds) -> usize {
    let mut removed = 0;
    loop {
        let swept = store.sweep(now, 1000).await.unwrap();
        removed += swept.removed;
        if !swept.more {
            return removed;
        }
    }
}

fn data_keys(id: u8) -> SealedDataKeys {
    SealedDataKeys { id, created_at: NOW, sealed: vec![6; 124] }
}
