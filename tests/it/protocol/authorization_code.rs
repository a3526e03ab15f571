//! The authorization code grant (RFC 6749 section 4.1.3) with PKCE (RFC 7636).

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::support::clients::{CHALLENGE, REDIRECT_URI, VERIFIER, native, web};
use crate::support::jwt;
use crate::support::surface::Api;

const UNKNOWN: &str =
    "invalid_grant: the code is not known for this client: it may be mistyped, or issued to another client or workspace";
const WRONG_VERIFIER: &str = "invalid_grant: code_verifier does not match the code_challenge of the authorization request";
const USED: &str = "invalid_grant: the code was already used; every token that came of it is revoked";

/// RFC 6749 section 4.1.4: what the person allowed, and a refresh token.
#[tokio::test]
async fn a_code_is_exchanged_for_tokens() {
    for api in Api::both().await {
        for metadata in [web(), native()] {
            let client = api.server.register(metadata).await;
            let code = api.server.code(&client, "alice", "read").await;
            let tokens = api.redeem(&client, &code).await.unwrap();
            assert_eq!((tokens.token_type.as_str(), tokens.expires_in, tokens.scope.as_str()), ("Bearer", 900, "read"));
            assert!(tokens.refresh_token().starts_with("jrt_"));
            let claims = jwt::claims(&tokens.access_token);
            assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some("alice"), Some(client.client_id.as_str())));
        }
    }
}

/// RFC 6749 section 3.3: the exchange may ask for less; the grant keeps all.
#[tokio::test]
async fn a_narrower_scope_may_be_asked_at_the_exchange() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let code = api.server.code(&client, "alice", "read write").await;
        let good = [("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
        let refused = api.redeem_with(&client, &code, &[&good[..], &[("scope", "read admin")]].concat()).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_scope: scope is wider than what was granted");
        let tokens = api.redeem_with(&client, &code, &[&good[..], &[("scope", "read")]].concat()).await.unwrap();
        assert_eq!(tokens.scope, "read");
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap().scope, "read write");
    }
}

/// RFC 7636 section 4.6; threats D1 and D2: no verifier, another one, and the challenge itself are refused.
#[tokio::test]
async fn a_code_needs_the_verifier_of_its_challenge() {
    for api in Api::both().await {
        let client = api.server.register(native()).await;
        let code = api.server.code(&client, "alice", "read").await;
        let other = "a".repeat(43);
        for verifier in ["", CHALLENGE, &other] {
            let pairs = [("redirect_uri", REDIRECT_URI), ("code_verifier", verifier)];
            assert_eq!(api.redeem_with(&client, &code, &pairs).await.unwrap_err().to_string(), WRONG_VERIFIER, "{verifier}");
        }
        for malformed in ["short", &"a".repeat(129), &format!("{}+", "a".repeat(43))] {
            let pairs = [("redirect_uri", REDIRECT_URI), ("code_verifier", malformed)];
            let expected = "invalid_request: code_verifier must be 43 to 128 characters of A-Z, a-z, 0-9 and -._~";
            assert_eq!(api.redeem_with(&client, &code, &pairs).await.unwrap_err().to_string(), expected, "{malformed}");
        }
    }
}

/// RFC 7636 section 4.6: a refused exchange uses nothing up.
#[tokio::test]
async fn a_wrong_verifier_does_not_burn_the_code() {
    for api in Api::both().await {
        let client = api.server.register(native()).await;
        let code = api.server.code(&client, "alice", "read").await;
        let pairs = [("redirect_uri", REDIRECT_URI), ("code_verifier", CHALLENGE)];
        api.redeem_with(&client, &code, &pairs).await.unwrap_err();
        assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read");
    }
}

/// RFC 6749 section 4.1.3; threat A5: the redirect URI of the request, to the character.
#[tokio::test]
async fn another_redirect_uri_is_refused() {
    for api in Api::both().await {
        let client = api.server.register(native()).await;
        let code = api.server.code(&client, "alice", "read").await;
        for uri in ["", "https://app.example.org/cb/", "https://app.example.org/CB", "com.example.app:/cb"] {
            let refused =
                api.redeem_with(&client, &code, &[("redirect_uri", uri), ("code_verifier", VERIFIER)]).await.unwrap_err();
            assert_eq!(refused.to_string(), "invalid_grant: redirect_uri differs from the authorization request", "{uri}");
        }
        assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read");
    }
}

/// RFC 6749 section 4.1.3; threat A1: bound to its client, for whom it stays good.
#[tokio::test]
async fn another_clients_code_is_unknown_and_stays_good() {
    for api in Api::both().await {
        let (owner, thief) = (api.server.register(web()).await, api.server.register(web()).await);
        let code = api.server.code(&owner, "alice", "read").await;
        assert_eq!(api.redeem(&thief, &code).await.unwrap_err().to_string(), UNKNOWN);
        let tokens = api.redeem(&owner, &code).await.unwrap();
        assert_eq!(api.redeem(&thief, &code).await.unwrap_err().to_string(), UNKNOWN);
        assert!(api.active(&owner, &tokens.access_token).await, "only the code's own client revokes by using it twice");
    }
}

/// Threat A7: the right verifier is no authentication.
#[tokio::test]
async fn a_confidential_clients_code_needs_its_secret_too() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let code = api.server.code(&client, "alice", "read").await;
        assert_eq!(api.redeem(&client.without_secret(), &code).await.unwrap_err().error, "invalid_client");
        assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read");
    }
}

/// Threat M1: a code is unknown in every other workspace.
#[tokio::test]
async fn a_code_of_another_workspace_is_unknown() {
    for api in Api::both().await {
        api.server.create_workspace("acme").await;
        let (here, there) = (api.server.register(web()).await, api.server.register_in("acme", web()).await);
        let code = api.server.code(&there, "alice", "read").await;
        assert_eq!(api.redeem(&here, &code).await.unwrap_err().to_string(), UNKNOWN);
        assert_eq!(api.redeem(&there, &code).await.unwrap().scope, "read");
    }
}

/// RFC 6749 section 4.1.2; threat A2: a second use revokes everything that came of the first.
#[tokio::test]
async fn second_use_of_a_code_revokes_the_family() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let code = api.server.code(&client, "alice", "read").await;
        let first = api.redeem(&client, &code).await.unwrap();
        let second = api.refresh(&client, first.refresh_token()).await.unwrap();
        assert_eq!(api.redeem(&client, &code).await.unwrap_err().to_string(), USED);
        for token in [&first.access_token, first.refresh_token(), &second.access_token, second.refresh_token()] {
            assert!(!api.active(&client, token).await);
        }
        let refused = api.refresh(&client, second.refresh_token()).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_grant: the grant was revoked");
        assert_eq!(api.redeem(&client, &code).await.unwrap_err().to_string(), USED);
    }
}

/// RFC 6749 section 4.1.2: the second use is told from garbage also long after the code's own end.
#[tokio::test]
async fn second_use_after_the_codes_end_still_revokes() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let code = api.server.code(&client, "alice", "read").await;
        let tokens = api.redeem(&client, &code).await.unwrap();
        api.server.clock.advance_seconds(600);
        assert_eq!(api.redeem(&client, &code).await.unwrap_err().to_string(), USED);
        assert!(!api.active(&client, &tokens.access_token).await);
    }
}

/// RFC 6749 section 4.1.2: good for 60 seconds, and not at the sixtieth.
#[tokio::test]
async fn a_code_ends_after_sixty_seconds() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let (in_time, late) = (api.server.code(&client, "alice", "read").await, api.server.code(&client, "alice", "read").await);
        api.server.clock.advance_millis(59_999);
        assert_eq!(api.redeem(&client, &in_time).await.unwrap().scope, "read");
        api.server.clock.advance_millis(1);
        assert_eq!(api.redeem(&client, &late).await.unwrap_err().to_string(), "invalid_grant: the code has expired");
    }
}

/// RFC 6749 section 4.1.2; threat A3: of 64 at once one gets tokens, and loses them to the other uses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_parallel_uses_one_gets_tokens() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let code = api.server.code(&client, "alice", "read").await;
        let api = Arc::new(api);
        let mut uses = JoinSet::new();
        for _ in 0..64 {
            let (api, client, code) = (api.clone(), client.clone(), code.clone());
            uses.spawn(async move { api.redeem(&client, &code).await });
        }
        let (won, lost): (Vec<_>, Vec<_>) = uses.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 63));
        assert!(lost.iter().all(|refused| refused.as_ref().unwrap_err().to_string() == USED));
        assert!(!api.active(&client, won[0].as_ref().unwrap().refresh_token()).await);
    }
}

/// RFC 6749 section 1.5: a client that is not registered for refreshing gets no refresh token.
#[tokio::test]
async fn no_refresh_token_without_the_grant_type() {
    for api in Api::both().await {
        let grant_types = vec![jeton::pb::v1::GrantType::AuthorizationCode.into()];
        let client = api.server.register(jeton::pb::v1::ClientMetadata { grant_types, ..web() }).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        assert_eq!(tokens.refresh_token, None);
        assert!(api.active(&client, &tokens.access_token).await);
    }
}
