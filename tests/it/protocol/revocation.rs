//! Token revocation (RFC 7009).

use crate::support::clients::{native, service, web};
use crate::support::surface::Api;

/// RFC 7009 section 2.1: an access token alone.
#[tokio::test]
async fn revoking_an_access_token_leaves_the_grant() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let other = api.refresh(&client, tokens.refresh_token()).await.unwrap();
        api.revoke(&client, &tokens.access_token).await.unwrap();
        assert!(!api.active(&client, &tokens.access_token).await);
        assert!(api.active(&client, &other.access_token).await);
        assert!(api.active(&client, other.refresh_token()).await);
    }
}

/// RFC 7009 section 2.1: a client's own token, which rests on no grant.
#[tokio::test]
async fn revoking_a_clients_own_token_ends_that_one() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        let (first, second) =
            (api.client_credentials(&client, "").await.unwrap(), api.client_credentials(&client, "").await.unwrap());
        api.revoke(&client, &first.access_token).await.unwrap();
        assert!(!api.active(&client, &first.access_token).await);
        assert!(api.active(&client, &second.access_token).await);
        let api = api.restart().await;
        assert!(!api.active(&client, &first.access_token).await);
    }
}

/// RFC 7009 section 2.1: with a refresh token goes everything of its grant.
#[tokio::test]
async fn revoking_a_refresh_token_ends_the_grant() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        api.revoke(&client, tokens.refresh_token()).await.unwrap();
        assert!(!api.active(&client, &tokens.access_token).await);
        assert!(!api.active(&client, tokens.refresh_token()).await);
        let refused = api.refresh(&client, tokens.refresh_token()).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_grant: the grant was revoked");
        let api = api.restart().await;
        assert!(!api.active(&client, &tokens.access_token).await);
    }
}

/// RFC 7009 section 2.1: a client that kept an old refresh token can end the grant with it.
#[tokio::test]
async fn an_old_refresh_token_ends_the_grant_too() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        let third = api.refresh(&client, second.refresh_token()).await.unwrap();
        api.revoke(&client, first.refresh_token()).await.unwrap();
        assert!(!api.active(&client, third.refresh_token()).await);
    }
}

/// RFC 7009 section 2.1; threat B7: another client's token is answered alike, and left as it is.
#[tokio::test]
async fn a_foreign_token_is_answered_alike_and_stays() {
    for api in Api::both().await {
        let (owner, thief) = (api.server.register(web()).await, api.server.register(web()).await);
        let tokens = api.sign_in(&owner, "alice", "read").await;
        for token in [&tokens.access_token, tokens.refresh_token(), "garbage"] {
            api.revoke(&thief, token).await.unwrap();
        }
        assert!(api.active(&owner, &tokens.access_token).await);
        assert!(api.active(&owner, tokens.refresh_token()).await);
    }
}

/// RFC 7009 section 5; threat B7: a public client ends its own tokens, and nobody else's.
#[tokio::test]
async fn a_public_client_may_revoke_its_own_tokens() {
    for api in Api::both().await {
        let (owner, other) = (api.server.register(native()).await, api.server.register(native()).await);
        let tokens = api.sign_in(&owner, "alice", "read").await;
        api.revoke(&other, tokens.refresh_token()).await.unwrap();
        let tokens = api.refresh(&owner, tokens.refresh_token()).await.unwrap();
        api.revoke(&owner, tokens.refresh_token()).await.unwrap();
        let refused = api.refresh(&owner, tokens.refresh_token()).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_grant: the grant was revoked");
    }
}

/// RFC 7009 section 2.2: what is over already is answered the same, again and again.
#[tokio::test]
async fn revoking_twice_is_revoking_once() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        for _ in 0..2 {
            api.revoke(&client, &tokens.access_token).await.unwrap();
            api.revoke(&client, tokens.refresh_token()).await.unwrap();
        }
        assert!(!api.active(&client, tokens.refresh_token()).await);
    }
}

/// RFC 7009 section 2.1: the client must be who it says.
#[tokio::test]
async fn revocation_needs_client_authentication() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        for party in [client.without_secret(), client.with_secret("jcs_wrong")] {
            assert_eq!(api.revoke(&party, tokens.refresh_token()).await.unwrap_err().error, "invalid_client");
        }
        assert!(api.active(&client, tokens.refresh_token()).await);
    }
}
