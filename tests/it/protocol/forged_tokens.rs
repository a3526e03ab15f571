//! Access tokens that another made (RFC 8725): none is active, and none revokes anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::support::clients::web;
use crate::support::jwt;
use crate::support::surface::{Answer, Api};

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Threats F1, F2, F3 and F5: the algorithm, the key and the type are the server's, never the token's.
#[tokio::test]
async fn a_forged_token_is_not_active() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let token = api.sign_in(&client, "alice", "read").await.access_token;
        let (kid, claims) = (jwt::kid(&token), token.split('.').nth(1).unwrap().to_owned());
        let signature = token.split('.').nth(2).unwrap().to_owned();
        let served = Answer::of(api.server.http.get(api.server.url("/oauth2/jwks")).send().await.unwrap()).await;
        let served: Value = serde_json::from_str(&served.body).unwrap();
        let public = URL_SAFE_NO_PAD.decode(served["keys"][0]["x"].as_str().unwrap()).unwrap();
        let own = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let own_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(own.public_key().as_ref())});
        let by_own_key = |header: Value, claims: &str| {
            let signed = format!("{}.{claims}", encode(&header));
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(own.sign(signed.as_bytes()).as_ref()))
        };
        let by_hmac = |header: Value| {
            let signed = format!("{}.{claims}", encode(&header));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
        };
        let wider = encode(&json!({"iss": "https://id.example.org", "scope": "read admin", "exp": 9_999_999_999_i64}));
        let forged = [
            format!("{}.{claims}.", encode(&json!({"alg": "none", "typ": "at+jwt", "kid": kid}))),
            format!("{}.{claims}.{signature}", encode(&json!({"alg": "NONE", "typ": "at+jwt", "kid": kid}))),
            by_hmac(json!({"alg": "HS256", "typ": "at+jwt", "kid": kid})),
            by_hmac(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid})),
            by_own_key(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}), &claims),
            by_own_key(json!({"alg": "EdDSA", "typ": "at+jwt", "jwk": own_jwk}), &claims),
            by_own_key(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid, "jwk": own_jwk}), &claims),
            by_own_key(json!({"alg": "EdDSA", "typ": "at+jwt", "jku": "https://evil.test/jwks"}), &claims),
            by_own_key(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "../../dev/null"}), &claims),
            format!("{}.{claims}.{signature}", encode(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid, "crit": ["x"]}))),
            format!("{}.{claims}.{signature}", encode(&json!({"alg": "EdDSA", "typ": "JWT", "kid": kid}))),
            format!("{}.{wider}.{signature}", token.split('.').next().unwrap()),
            format!("{token}.{signature}"),
            format!("{claims}.{signature}"),
        ];
        for forged in &forged {
            assert_eq!(api.introspect(&client, forged).await.unwrap(), json!({"active": false}), "{forged}");
            api.revoke(&client, forged).await.unwrap();
        }
        assert!(api.active(&client, &token).await);
    }
}

/// Threat F6: a text of dots, or one far too long, costs nothing and is nothing.
#[tokio::test]
async fn an_absurd_token_is_not_active() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        for token in [".".repeat(16_000), "a.".repeat(8_000), format!("{}.{}.", "A".repeat(8_000), "A".repeat(7_000))] {
            assert_eq!(api.introspect(&client, &token).await.unwrap(), json!({"active": false}));
        }
        let refused = api.introspect(&client, &"A".repeat(16 * 1024 + 1)).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_request: token is longer than any token of this server");
    }
}
