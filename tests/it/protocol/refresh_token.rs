//! The refresh token grant (RFC 6749 section 6): rotation, retry, reuse (RFC 9700 section 4.14.2).

use std::sync::Arc;

use jeton::pb::v1::{ClientMetadata, Lifetimes};
use tokio::task::JoinSet;

use crate::support::clients::{native, web};
use crate::support::surface::{Api, Surface};

const REUSED: &str = "invalid_grant: the refresh token was already used; its grant is revoked.  A client that cannot keep the \
    newest one needs the policy refresh_rotation_never: an operator switches it on with jeton policy enable";
const REVOKED: &str = "invalid_grant: the grant was revoked";
const EXPIRED: &str = "invalid_grant: the refresh token has expired";
const WIDER: &str = "invalid_scope: scope is wider than what was granted";

/// RFC 9700 section 4.14.2: every use gives a new refresh token.
#[tokio::test]
async fn a_refresh_rotates_the_token() {
    for api in Api::both().await {
        for metadata in [web(), native()] {
            let client = api.server.register(metadata).await;
            let first = api.sign_in(&client, "alice", "read write").await;
            let second = api.refresh(&client, first.refresh_token()).await.unwrap();
            let third = api.refresh(&client, second.refresh_token()).await.unwrap();
            assert_eq!((third.expires_in, third.scope.as_str()), (900, "read write"));
            assert_ne!(first.refresh_token(), second.refresh_token());
            assert_ne!(second.refresh_token(), third.refresh_token());
        }
    }
}

/// RFC 6749 section 6; threat B8: a narrower token does not narrow the grant.
#[tokio::test]
async fn narrowing_one_token_leaves_the_grant_whole() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read write").await;
        let narrow = api.refresh_for(&client, tokens.refresh_token(), "read").await.unwrap();
        assert_eq!(narrow.scope, "read");
        assert_eq!(api.refresh(&client, narrow.refresh_token()).await.unwrap().scope, "read write");
    }
}

/// RFC 6749 section 6; threat B8: nothing beyond the grant, though the client is registered for it.
#[tokio::test]
async fn widening_is_refused_and_uses_nothing_up() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read write").await;
        for scope in ["admin", "read admin"] {
            assert_eq!(api.refresh_for(&client, tokens.refresh_token(), scope).await.unwrap_err().to_string(), WIDER);
        }
        let next = api.refresh(&client, tokens.refresh_token()).await.unwrap();
        assert_eq!(api.refresh_for(&client, tokens.refresh_token(), "admin").await.unwrap_err().to_string(), WIDER);
        assert!(api.active(&client, next.refresh_token()).await);
    }
}

/// RFC 9700 section 4.14.2: an old token, once its successor was used, ends the whole family.
#[tokio::test]
async fn reuse_after_the_successor_was_used_revokes_the_family() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        let third = api.refresh(&client, second.refresh_token()).await.unwrap();
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
        for token in [&first.access_token, &second.access_token, &third.access_token, third.refresh_token()] {
            assert!(!api.active(&client, token).await);
        }
        assert_eq!(api.refresh(&client, third.refresh_token()).await.unwrap_err().to_string(), REVOKED);
    }
}

/// Threat B9: a client that lost the answer asks again and gets the same refresh token, three times at most.
#[tokio::test]
async fn a_lost_answer_can_be_had_three_times_again() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let lost = api.refresh(&client, first.refresh_token()).await.unwrap();
        for _ in 0..3 {
            let again = api.refresh(&client, first.refresh_token()).await.unwrap();
            assert_eq!(again.refresh_token(), lost.refresh_token());
            assert_ne!(again.access_token, lost.access_token, "the access token is a fresh one");
            assert!(api.active(&client, &again.access_token).await);
        }
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
        assert_eq!(api.refresh(&client, lost.refresh_token()).await.unwrap_err().to_string(), REVOKED);
    }
}

/// Threat B9: the window for that is 30 seconds.
#[tokio::test]
async fn after_the_retry_window_a_retry_is_reuse() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        api.server.clock.advance_millis(29_999);
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap().refresh_token(), second.refresh_token());
        api.server.clock.advance_millis(1);
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
        assert!(!api.active(&client, second.refresh_token()).await);
    }
}

/// Threat B9: a window of 0 is none.
#[tokio::test]
async fn without_a_retry_window_every_second_use_is_reuse() {
    for api in Api::both_with(&["lifetimes.refresh_retry_window_seconds=0"]).await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
        assert_eq!(api.refresh(&client, second.refresh_token()).await.unwrap_err().to_string(), REVOKED);
    }
}

/// Threat B9: using the successor closes the window, however early.
#[tokio::test]
async fn the_successors_use_closes_the_retry_window() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        api.refresh(&client, second.refresh_token()).await.unwrap();
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
    }
}

/// Threat B9: another client's retry gets nothing and ends nothing.
#[tokio::test]
async fn another_client_cannot_use_a_refresh_token_or_its_retry_window() {
    for api in Api::both().await {
        let (owner, thief) = (api.server.register(web()).await, api.server.register(web()).await);
        let first = api.sign_in(&owner, "alice", "read").await;
        let unknown = "invalid_grant: the refresh token is not known for this client: it may be mistyped, or issued to another client or workspace";
        assert_eq!(api.refresh(&thief, first.refresh_token()).await.unwrap_err().to_string(), unknown);
        let second = api.refresh(&owner, first.refresh_token()).await.unwrap();
        assert_eq!(api.refresh(&thief, first.refresh_token()).await.unwrap_err().to_string(), unknown);
        assert!(api.active(&owner, second.refresh_token()).await);
    }
}

/// Threat B2: which token is older is said by a counter, for the clock may stand still.
#[tokio::test]
async fn rotations_within_one_instant_are_told_apart() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let mut newest = first.clone();
        for _ in 0..3 {
            newest = api.refresh(&client, newest.refresh_token()).await.unwrap();
        }
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
        assert!(!api.active(&client, newest.refresh_token()).await);
    }
}

fn short_lived() -> ClientMetadata {
    let lifetimes = Lifetimes { access_token_seconds: 60, refresh_idle_seconds: 100, refresh_absolute_seconds: 250 };
    ClientMetadata { lifetimes: Some(lifetimes), ..web() }
}

/// RFC 9700 section 4.14.2: unused tokens end, and each use puts that end off.
#[tokio::test]
async fn an_idle_refresh_token_ends() {
    for api in Api::both().await {
        let client = api.server.register(short_lived()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        api.server.clock.advance_seconds(99);
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        api.server.clock.advance_seconds(99);
        assert!(api.active(&client, second.refresh_token()).await);
        api.server.clock.advance_seconds(1);
        assert!(!api.active(&client, second.refresh_token()).await);
        assert_eq!(api.refresh(&client, second.refresh_token()).await.unwrap_err().to_string(), EXPIRED);
    }
}

/// A grant has an end that no use puts off, and no access token outlives it.
#[tokio::test]
async fn a_grant_ends_however_often_it_was_refreshed() {
    for api in Api::both().await {
        let client = api.server.register(short_lived()).await;
        let mut tokens = api.sign_in(&client, "alice", "read").await;
        for expires_in in [60, 60, 10] {
            api.server.clock.advance_seconds(80);
            tokens = api.refresh(&client, tokens.refresh_token()).await.unwrap();
            assert_eq!(tokens.expires_in, expires_in);
        }
        api.server.clock.advance_seconds(10);
        assert!(!api.active(&client, &tokens.access_token).await);
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap_err().to_string(), EXPIRED);
    }
}

/// Threat B3: what was rotated stays rotated over a restart.
#[tokio::test]
async fn rotation_outlives_a_restart() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        let third = api.refresh(&client, second.refresh_token()).await.unwrap();
        let api = api.restart().await;
        assert!(api.active(&client, third.refresh_token()).await);
        assert!(api.active(&client, &third.access_token).await);
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap_err().to_string(), REUSED);
        assert!(!api.active(&client, third.refresh_token()).await);
    }
}

/// Threats A2, B3 and B9: a used code, and the retry window, outlive a restart too.
#[tokio::test]
async fn a_used_code_and_the_retry_window_outlive_a_restart() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let code = api.server.code(&client, "alice", "read").await;
        let first = api.redeem(&client, &code).await.unwrap();
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        let api = api.restart().await;
        assert_eq!(api.refresh(&client, first.refresh_token()).await.unwrap().refresh_token(), second.refresh_token());
        let refused = api.redeem(&client, &code).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_grant: the code was already used; every token that came of it is revoked");
    }
}

/// Threat B1: once a revocation is answered, nothing of the family is active, whatever ran beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_beside_a_revocation_leaves_nothing_active() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let api = Arc::new(api);
        for _ in 0..20 {
            let tokens = api.sign_in(&client, "alice", "read").await;
            let (first, second) = (tokens.refresh_token().to_owned(), tokens.refresh_token().to_owned());
            let (refreshing, revoking) = (api.clone(), api.clone());
            let (refresher, revoker) = (client.clone(), client.clone());
            let refreshed = tokio::spawn(async move { refreshing.refresh(&refresher, &first).await });
            let revoked = tokio::spawn(async move { revoking.revoke(&revoker, &second).await });
            revoked.await.unwrap().unwrap();
            if let Ok(next) = refreshed.await.unwrap() {
                assert!(!api.active(&client, next.refresh_token()).await);
                assert!(!api.active(&client, &next.access_token).await);
            }
            assert!(!api.active(&client, tokens.refresh_token()).await);
            assert!(!api.active(&client, &tokens.access_token).await);
        }
    }
}

/// Threats A3 and B9: of 64 uses of one token at once, one rotates and three are retries of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_refreshes_of_one_token_make_one_successor() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let api = Arc::new(api);
        let mut uses = JoinSet::new();
        for _ in 0..64 {
            let (api, client, token) = (api.clone(), client.clone(), tokens.refresh_token().to_owned());
            uses.spawn(async move { api.refresh(&client, &token).await });
        }
        let successors: Vec<_> = uses.join_all().await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(successors.len(), 4);
        assert!(successors.iter().all(|answer| answer.refresh_token() == successors[0].refresh_token()));
        assert!(!api.active(&client, successors[0].refresh_token()).await, "the fifth use was reuse");
    }
}

/// Threat A3: without a window one of 64 rotates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_window_one_parallel_refresh_wins() {
    let [rest, _] = Api::both_with(&["lifetimes.refresh_retry_window_seconds=0"]).await;
    let api = Arc::new(Api { surface: Surface::Grpc, ..rest });
    let client = api.server.register(web()).await;
    let tokens = api.sign_in(&client, "alice", "read").await;
    let mut uses = JoinSet::new();
    for _ in 0..64 {
        let (api, client, token) = (api.clone(), client.clone(), tokens.refresh_token().to_owned());
        uses.spawn(async move { api.refresh(&client, &token).await });
    }
    assert_eq!(uses.join_all().await.iter().filter(|answer| answer.is_ok()).count(), 1);
}
