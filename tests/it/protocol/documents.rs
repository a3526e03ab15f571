//! What is answered to the letter: tokens, keys, metadata.

use insta::assert_snapshot;
use jeton::pb::v1::metadata_service_client::MetadataServiceClient;
use jeton::pb::v1::{GetJwksRequest, GetServerMetadataRequest};
use serde_json::Value;

use crate::support::clients::{REDIRECT_URI, VERIFIER, service, web};
use crate::support::jwt;
use crate::support::server::Server;
use crate::support::surface::{Answer, Api, Surface};

async fn get(server: &Server, path: &str) -> Answer {
    Answer::of(server.http.get(server.url(path)).send().await.unwrap()).await
}

async fn jwks(server: &Server) -> Value {
    serde_json::from_str(&get(server, "/oauth2/jwks").await.body).unwrap()
}

/// RFC 6749 section 5.1: the whole answer, and nothing else.
#[tokio::test]
async fn a_token_response_is_what_the_standard_says_to_the_letter() {
    let server = Server::seeded().await;
    let client = server.register(web()).await;
    let code = server.code(&client, "alice", "read").await;
    let pairs =
        [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    let answer = server.post("/oauth2/token", &client, &pairs).await;
    assert_snapshot!(answer.body, @r#"{"access_token":"eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImlzRFVDbTNGVjdMbHRaRWVkN2dNRTJrdHczZ2NsMTBkd3hkWGFWenNfNGcifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUub3JnIiwiYXVkIjoiaHR0cHM6Ly9pZC5leGFtcGxlLm9yZyIsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoiamNfSXRzejVXQ0ZuWlNQbkhGTnhEN3FUSXVPIiwic2NvcGUiOiJyZWFkIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA5MDAsImF1dGhfdGltZSI6MTcwMDAwMDAwMCwianRpIjoiQVl2UDVXZ0FqWm9yYUZidGswekZWQUc1QVl2UDVXZ0EySG5WWFdWOW94MXBrdyJ9.V3Ayjj-uAvgV8MCf2IuhLPAeiniVS38IE2LOAAYHjJUHzBLz83xifoX4QPI0mHiXPgXw77_XT7XSDPnm1JpRBQ","token_type":"Bearer","expires_in":900,"refresh_token":"jrt_AQGLz-VoANh51V1lfaMdaZMAAAAAuMnAK5KKvPN6WvQCJiV5WW0GK_EkcWWEW6UQUMJdoEiDePnJAOndBMdDl6hfx8tn","scope":"read"}"#);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
}

/// RFC 9068 section 2: the type, the algorithm and every claim of a person's token.
#[tokio::test]
async fn an_access_token_for_a_person_has_the_claims_of_rfc_9068() {
    let server = Server::seeded().await;
    let client = server.register(web()).await;
    let api = Api { server, surface: Surface::Rest };
    let tokens = api.sign_in(&client, "alice", "read").await;
    assert_snapshot!(jwt::part(&tokens.access_token, 0), @r#"{"alg":"EdDSA","kid":"isDUCm3FV7LltZEed7gME2ktw3gcl10dwxdXaVzs_4g","typ":"at+jwt"}"#);
    assert_snapshot!(jwt::claims(&tokens.access_token), @r#"{"aud":"https://id.example.org","auth_time":1700000000,"client_id":"jc_Itsz5WCFnZSPnHFNxD7qTIuO","exp":1700000900,"iat":1700000000,"iss":"https://id.example.org","jti":"AYvP5WgAjZoraFbtk0zFVAG5AYvP5WgA2HnVXWV9ox1pkw","scope":"read","sub":"alice"}"#);
}

/// RFC 9068 section 2.2: without a person the client is the subject, and nobody signed in.
#[tokio::test]
async fn an_access_token_for_a_client_names_it_as_subject() {
    let server = Server::seeded().await;
    let client = server.register(service()).await;
    let api = Api { server, surface: Surface::Grpc };
    let tokens = api.client_credentials(&client, "").await.unwrap();
    assert_snapshot!(jwt::claims(&tokens.access_token), @r#"{"aud":"https://id.example.org","client_id":"jc_Itsz5WCFnZSPnHFNxD7qTIuO","exp":1700000900,"iat":1700000000,"iss":"https://id.example.org","jti":"AYvP5WgA2HnVXWV9ox1pkzkv","scope":"read write","sub":"jc_Itsz5WCFnZSPnHFNxD7qTIuO"}"#);
}

/// RFC 8037 section 3.1: the signature is good for another implementation, and for no other bytes.
#[tokio::test]
async fn the_signature_verifies_against_the_served_keys() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        let token = api.client_credentials(&client, "").await.unwrap().access_token;
        let keys = jwks(&api.server).await;
        assert!(jwt::verifies(&token, &keys));
        let (header, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let other = api.client_credentials(&client, "").await.unwrap().access_token;
        let claims = other.split('.').nth(1).unwrap();
        assert!(!jwt::verifies(&format!("{header}.{claims}.{signature}"), &keys));
    }
}

/// RFC 7517 section 5: the key set, which no cache keeps longer than a new key is announced.
#[tokio::test]
async fn the_key_set_is_cached_for_less_than_a_key_is_announced() {
    let server = Server::seeded().await;
    let answer = get(&server, "/oauth2/jwks").await;
    assert_snapshot!(answer.body, @r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"uyHn7ysL-qoTePsTDKLfYTNolJ9HIV2P4O94FCX4vCM","kid":"isDUCm3FV7LltZEed7gME2ktw3gcl10dwxdXaVzs_4g","alg":"EdDSA","use":"sig"}]}"#);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=900");
    let quick = Server::with(&["keys.announce_seconds=60"]).await;
    assert_eq!(get(&quick, "/oauth2/jwks").await.header("cache-control"), "public, max-age=60");
}

/// RFC 8414 section 2: every endpoint that there is, and none that there is not.
#[tokio::test]
async fn the_metadata_names_what_is_served() {
    let server = Server::start().await;
    let answer = get(&server, "/.well-known/oauth-authorization-server").await;
    assert_snapshot!(answer.body, @r#"{"issuer":"https://id.example.org","authorization_endpoint":"https://id.example.org/oauth2/authorize","token_endpoint":"https://id.example.org/oauth2/token","introspection_endpoint":"https://id.example.org/oauth2/introspect","revocation_endpoint":"https://id.example.org/oauth2/revoke","jwks_uri":"https://id.example.org/oauth2/jwks","response_types_supported":["code"],"response_modes_supported":["query"],"grant_types_supported":["authorization_code","refresh_token","client_credentials"],"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","none"],"introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","none"],"code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true}"#);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
}

/// RFC 8414 section 3.1: the well-known part stands before the issuer's path; behind it, it is served too.
#[tokio::test]
async fn both_well_known_forms_describe_a_workspace() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let before = get(&server, "/.well-known/oauth-authorization-server/acme").await;
    let behind = get(&server, "/acme/.well-known/oauth-authorization-server").await;
    assert_eq!((before.status, behind.status), (200, 200));
    assert_eq!(before.body, behind.body);
    let metadata: Value = serde_json::from_str(&before.body).unwrap();
    assert_eq!(metadata["issuer"], "https://id.example.org/acme");
    assert_eq!(metadata["token_endpoint"], "https://id.example.org/acme/oauth2/token");
    assert_eq!(metadata["jwks_uri"], "https://id.example.org/acme/oauth2/jwks");
}

/// Threat M1: a workspace has keys of its own, and one that is not there has none.
#[tokio::test]
async fn workspaces_share_no_keys() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    assert_ne!(get(&server, "/acme/oauth2/jwks").await.body, get(&server, "/oauth2/jwks").await.body);
    for path in ["/nobody/oauth2/jwks", "/nobody/.well-known/oauth-authorization-server"] {
        assert_eq!(get(&server, path).await.status, 404, "{path}");
    }
}

/// The documents say the same over both surfaces.
#[tokio::test]
async fn the_documents_are_the_same_over_grpc() {
    let server = Server::start().await;
    let mut metadata = MetadataServiceClient::new(server.public());
    let keys = metadata.get_jwks(GetJwksRequest::default()).await.unwrap().into_inner();
    let over_rest = jwks(&server).await;
    assert_eq!(over_rest["keys"].as_array().unwrap().len(), 1);
    assert_eq!(over_rest["keys"][0]["x"], keys.keys[0].x.as_str());
    assert_eq!(over_rest["keys"][0]["kid"], keys.keys[0].kid.as_str());
    assert_eq!(keys.max_age_seconds, 900);
    let described = metadata.get_server_metadata(GetServerMetadataRequest::default()).await.unwrap().into_inner();
    let over_rest: Value = serde_json::from_str(&get(&server, "/.well-known/oauth-authorization-server").await.body).unwrap();
    assert_eq!(over_rest["issuer"], described.issuer.as_str());
    assert_eq!(over_rest["token_endpoint"], described.token_endpoint.as_str());
    assert_eq!(over_rest["grant_types_supported"], serde_json::json!(described.grant_types_supported));
}
