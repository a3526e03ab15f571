//! Token introspection (RFC 7662).

use jeton::pb::v1::{ClientMetadata, ClientPermission};
use serde_json::json;

use crate::support::clients::{native, service, web};
use crate::support::jwt;
use crate::support::server::Server;
use crate::support::surface::Api;

/// RFC 7662 section 2.2: a client asks about its own access token.
#[tokio::test]
async fn a_client_sees_its_own_access_token() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let expected = json!({
            "active": true,
            "scope": "read",
            "client_id": client.client_id,
            "token_type": "Bearer",
            "exp": 1_700_000_900,
            "iat": 1_700_000_000,
            "sub": "alice",
            "aud": "https://id.example.org",
            "iss": "https://id.example.org",
            "jti": jwt::claims(&tokens.access_token)["jti"],
        });
        assert_eq!(api.introspect(&client, &tokens.access_token).await.unwrap(), expected);
    }
}

/// RFC 7662 section 2.2: a refresh token is of no type and for no audience.
#[tokio::test]
async fn a_client_sees_its_own_refresh_token() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let expected = json!({
            "active": true,
            "scope": "read",
            "client_id": client.client_id,
            "exp": 1_701_209_600,
            "sub": "alice",
            "iss": "https://id.example.org",
        });
        assert_eq!(api.introspect(&client, tokens.refresh_token()).await.unwrap(), expected);
    }
}

/// RFC 7662 section 4; threat H1: what is not the caller's business looks like garbage, byte for byte.
#[tokio::test]
async fn foreign_tokens_and_garbage_are_told_apart_by_nobody() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let (owner, other) = (server.register(web()).await, server.register(service()).await);
    let elsewhere = server.register_in("acme", web()).await;
    server.permit(&elsewhere, &[ClientPermission::IntrospectAny]).await;
    let [mut api, _] = Api::both().await;
    api.server = server;
    let tokens = api.sign_in(&owner, "alice", "read").await;
    let ended = api.sign_in(&owner, "alice", "read").await;
    api.revoke(&owner, ended.refresh_token()).await.unwrap();
    let code = api.server.code(&owner, "alice", "read").await;
    for token in
        [&tokens.access_token, tokens.refresh_token(), &ended.access_token, ended.refresh_token(), &code, "garbage", "a.b.c"]
    {
        for caller in [&other, &elsewhere] {
            let answer = api.server.post("/oauth2/introspect", caller, &[("token", token)]).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"active":false}"#));
        }
    }
}

/// RFC 7662 section 4; threat H1: the resource server that a token names as audience may ask about it.
#[tokio::test]
async fn the_audience_of_a_token_may_ask_about_it() {
    for api in Api::both().await {
        let (resource, bystander) = (api.server.register(service()).await, api.server.register(service()).await);
        let client = api.server.register(ClientMetadata { default_audience: resource.client_id.clone(), ..web() }).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        assert_eq!(api.introspect(&resource, &tokens.access_token).await.unwrap()["aud"], resource.client_id.as_str());
        assert_eq!(api.introspect(&resource, tokens.refresh_token()).await.unwrap(), json!({"active": false}));
        assert_eq!(api.introspect(&bystander, &tokens.access_token).await.unwrap(), json!({"active": false}));
    }
}

/// RFC 7662 section 4: with the permission a client may ask about every token of its workspace; others still may not.
#[tokio::test]
async fn the_permission_opens_every_token_of_the_workspace() {
    for api in Api::both().await {
        let (permitted, plain) = (api.server.register(service()).await, api.server.register(service()).await);
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        assert!(!api.active(&permitted, &tokens.access_token).await);
        api.server.permit(&permitted, &[ClientPermission::IntrospectAny]).await;
        for token in [&tokens.access_token, tokens.refresh_token()] {
            assert!(api.active(&permitted, token).await);
            assert!(!api.active(&plain, token).await);
        }
        api.server.permit(&permitted, &[]).await;
        assert!(!api.active(&permitted, &tokens.access_token).await);
    }
}

/// RFC 7662 section 2.1; threat H3: a caller that cannot prove who it is gets nothing.
#[tokio::test]
async fn a_public_client_may_not_introspect() {
    for api in Api::both().await {
        let client = api.server.register(native()).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let expected = "invalid_client: client authentication failed: check client_id, client_secret and how they are sent";
        assert_eq!(api.introspect(&client, &tokens.access_token).await.unwrap_err().to_string(), expected);
        assert_eq!(api.introspect(&client, "garbage").await.unwrap_err().to_string(), expected);
    }
}

/// RFC 7662 section 2.2: an access token ends at its `exp`.
#[tokio::test]
async fn an_expired_token_is_not_active() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        let token = api.client_credentials(&client, "").await.unwrap().access_token;
        api.server.clock.advance_millis(899_999);
        assert!(api.active(&client, &token).await);
        api.server.clock.advance_millis(1);
        assert!(!api.active(&client, &token).await);
    }
}

/// RFC 7009 section 2: only the newest refresh token of a grant is active.
#[tokio::test]
async fn a_rotated_refresh_token_is_not_active() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let first = api.sign_in(&client, "alice", "read").await;
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        assert!(!api.active(&client, first.refresh_token()).await);
        assert!(api.active(&client, second.refresh_token()).await);
        assert!(api.active(&client, &first.access_token).await, "an access token ends by itself");
    }
}
