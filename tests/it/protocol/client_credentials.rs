//! The client credentials grant (RFC 6749 section 4.4), client authentication, and the form itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jeton::pb::v1::client_authentication::Method;
use jeton::pb::v1::{ClientAuthentication, ClientCredentialsGrant, ClientSecret, IssueTokenRequest};

use crate::support::clients::{Party, native, service, web};
use crate::support::server::Server;
use crate::support::surface::{Answer, Api, Surface, form, oauth_refusal};

const FAILED: &str = "invalid_client: client authentication failed: check client_id, client_secret and how they are sent";

/// RFC 6749 section 3.3: a request without a scope gets the client's default.
#[tokio::test]
async fn the_default_scope_is_given_when_none_is_asked() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        let tokens = api.client_credentials(&client, "").await.unwrap();
        assert_eq!(tokens.scope, "read write");
        assert_eq!((tokens.token_type.as_str(), tokens.expires_in, tokens.refresh_token), ("Bearer", 900, None));
    }
}

/// RFC 6749 section 3.3: a narrower scope is given as asked, also one beyond the default.
#[tokio::test]
async fn a_registered_scope_is_given_as_asked() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        assert_eq!(api.client_credentials(&client, "read").await.unwrap().scope, "read");
        assert_eq!(api.client_credentials(&client, "admin").await.unwrap().scope, "admin");
    }
}

/// RFC 6749 section 5.2; threat G5: what is not registered is refused, and `*` is no scope of its own.
#[tokio::test]
async fn a_scope_beyond_the_registered_is_refused() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        for scope in ["delete", "read delete", "read *", "READ"] {
            let refused = api.client_credentials(&client, scope).await.unwrap_err();
            assert_eq!(
                refused.to_string(),
                "invalid_scope: scope names something that the client is not registered for",
                "{scope}"
            );
        }
        for malformed in ["read  write", " read", "re\"ad", "l\u{f6}schen"] {
            assert_eq!(api.client_credentials(&client, malformed).await.unwrap_err().error, "invalid_scope", "{malformed}");
        }
    }
}

/// RFC 6749 section 4.4.2: a public client has proved nothing.
#[tokio::test]
async fn a_public_client_gets_no_token_for_itself() {
    for api in Api::both().await {
        let client = api.server.register(native()).await;
        let refused = api.client_credentials(&client, "").await.unwrap_err();
        let expected =
            "unauthorized_client: the client is not registered for client_credentials: add it to the client's grant_types";
        assert_eq!(refused.to_string(), expected);
    }
}

/// RFC 6749 section 5.2: a client is held to the grant types that it registered.
#[tokio::test]
async fn a_grant_type_that_was_not_registered_is_refused() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let refused = api.client_credentials(&client, "").await.unwrap_err();
        let expected =
            "unauthorized_client: the client is not registered for client_credentials: add it to the client's grant_types";
        assert_eq!(refused.to_string(), expected);
    }
}

/// Threat E7: nobody learns which workspace, which client or which secret was wrong.
#[tokio::test]
async fn an_unknown_workspace_client_or_secret_is_answered_alike() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let client = server.register(service()).await;
    let unknown = Party { client_id: format!("{}x", client.client_id), ..client.clone() };
    let wrong = client.with_secret("jcs_wrong");
    let elsewhere = client.in_workspace("acme");
    let nowhere = client.in_workspace("nobody");
    let mut answers = Vec::new();
    for party in [&wrong, &unknown, &elsewhere, &nowhere] {
        let answer = server.post("/oauth2/token", party, &[("grant_type", "client_credentials")]).await;
        answers.push((answer.status, answer.header("www-authenticate").to_owned(), answer.body));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(
        answers[0].2,
        r#"{"error":"invalid_client","error_description":"client authentication failed: check client_id, client_secret and how they are sent"}"#
    );
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    let api = Api { server, surface: Surface::Grpc };
    for party in [&wrong, &unknown, &elsewhere, &nowhere] {
        assert_eq!(api.client_credentials(party, "").await.unwrap_err().to_string(), FAILED);
    }
}

/// Threats E4 and A7: no secret, an empty one and a word for none do not authenticate a client that has one.
#[tokio::test]
async fn a_confidential_client_needs_its_secret() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        let parties = [client.without_secret(), client.with_secret(""), client.with_secret("none"), client.with_secret("null")];
        for party in parties {
            assert_eq!(api.client_credentials(&party, "").await.unwrap_err().to_string(), FAILED, "{:?}", party.secret);
        }
    }
}

/// Threat E4: a public client is not taken for authenticated by any secret, an empty one included.
#[tokio::test]
async fn a_public_client_cannot_authenticate_with_a_secret() {
    for api in Api::both().await {
        let client = api.server.register(native()).await;
        for secret in ["", "x"] {
            let refused = api.client_credentials(&client.with_secret(secret), "").await.unwrap_err();
            assert_eq!(refused.to_string(), FAILED);
        }
    }
}

/// Threat E4: an empty `client_secret` counts as not sent (RFC 6749 section 3.2), which is no authentication either.
#[tokio::test]
async fn an_empty_secret_in_the_body_does_not_authenticate() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let body = format!("grant_type=client_credentials&client_id={}&client_secret=", client.client_id);
    let refused = server.post_plainly("/oauth2/token", &body).await.json().unwrap_err();
    assert_eq!(refused.to_string(), FAILED);
}

/// A gRPC message without any authentication is refused like a wrong one.
#[tokio::test]
async fn a_message_without_authentication_is_refused() {
    let server = Server::start().await;
    let grant = Some(jeton::pb::v1::issue_token_request::Grant::ClientCredentials(ClientCredentialsGrant::default()));
    for client_authentication in [None, Some(ClientAuthentication { method: None })] {
        let request = IssueTokenRequest { client_authentication, grant: grant.clone(), ..IssueTokenRequest::default() };
        let status = server.tokens().issue_token(request).await.unwrap_err();
        assert_eq!(oauth_refusal(&status).to_string(), FAILED);
    }
}

/// RFC 6749 section 2.3.1: in the body, and in either message of gRPC.
#[tokio::test]
async fn a_secret_in_the_body_authenticates_too() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let secret = client.secret.clone().unwrap();
    let body = form(&[("grant_type", "client_credentials"), ("client_id", &client.client_id), ("client_secret", &secret)]);
    assert_eq!(server.post_plainly("/oauth2/token", &body).await.json().unwrap()["token_type"], "Bearer");
    let method = Method::ClientSecretPost(ClientSecret { client_id: client.client_id, client_secret: secret });
    let request = IssueTokenRequest {
        client_authentication: Some(ClientAuthentication { method: Some(method) }),
        grant: Some(jeton::pb::v1::issue_token_request::Grant::ClientCredentials(ClientCredentialsGrant::default())),
        ..IssueTokenRequest::default()
    };
    assert_eq!(server.tokens().issue_token(request).await.unwrap().into_inner().token_type, "Bearer");
}

async fn with_header(server: &Server, authorization: &str, body: &str) -> Answer {
    let request = server.http.post(server.url("/oauth2/token")).header("authorization", authorization);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
    Answer::of(request.send().await.unwrap()).await
}

/// RFC 6749 section 2.3.1; threat E8: both halves of the header are form-encoded before base64.
#[tokio::test]
async fn the_halves_of_basic_are_percent_decoded() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pair = format!("{}:{}", encode(&client.client_id), encode(client.secret.as_deref().unwrap()));
    let header = format!("bAsIc {}", STANDARD.encode(pair));
    assert_eq!(with_header(&server, &header, "grant_type=client_credentials").await.status, 200);
}

/// RFC 6749 section 2.3; threat E8: one method in a request.
#[tokio::test]
async fn two_ways_of_authentication_at_once_are_refused() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let secret = client.secret.clone().unwrap();
    let body = form(&[("grant_type", "client_credentials"), ("client_id", &client.client_id), ("client_secret", &secret)]);
    let refused = with_header(&server, &client.basic(), &body).await.json().unwrap_err();
    let expected = "invalid_request: the client authenticates both in the Authorization header and in the body; use one of them";
    assert_eq!(refused.to_string(), expected);
    let refused =
        with_header(&server, &client.basic(), "grant_type=client_credentials&client_id=other").await.json().unwrap_err();
    assert_eq!(refused.to_string(), "invalid_request: client_id in the body differs from that of the Authorization header");
}

/// RFC 6749 section 5.2: credentials that cannot be read are answered with 401 and a challenge.
#[tokio::test]
async fn malformed_basic_credentials_are_no_authentication() {
    let server = Server::start().await;
    let no_colon = STANDARD.encode("no-colon");
    let no_id = STANDARD.encode(":secret");
    let bad_escape = STANDARD.encode("a%zz:b");
    let not_utf_8 = STANDARD.encode(b"\xff:b");
    for credentials in ["", "!!!", &no_colon, &no_id, &bad_escape, &not_utf_8] {
        let answer = with_header(&server, &format!("Basic {credentials}"), "grant_type=client_credentials").await;
        assert_eq!(answer.json().unwrap_err().error, "invalid_client", "{credentials}");
        assert_eq!(answer.header("www-authenticate"), r#"Basic realm="jeton", error="invalid_client""#);
    }
    for header in ["Bearer token", "Digest x", "Basic"] {
        let answer = with_header(&server, header, "grant_type=client_credentials").await;
        assert_eq!(answer.json().unwrap_err().error, "invalid_client", "{header}");
    }
}

/// OAuth 2.1 section 2.4.1; threat N3: what belongs into the body is refused in the URL, known value or not.
#[tokio::test]
async fn a_parameter_in_the_url_is_refused() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let secret = client.secret.clone().unwrap();
    for name in ["client_secret", "code", "refresh_token", "token", "client_id"] {
        let path = format!("/oauth2/token?{name}={secret}");
        let answer = server.post(&path, &client, &[("grant_type", "client_credentials")]).await;
        let expected = format!("invalid_request: the parameter {name} must be sent in the body of the request, not in its URL");
        assert_eq!(answer.json().unwrap_err().to_string(), expected);
    }
}

/// RFC 6749 section 3.2: no parameter more than once.
#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    for (body, expected) in [
        ("grant_type=client_credentials&scope=read&scope=read", "invalid_request: the parameter scope is repeated"),
        ("grant_type=client_credentials&scope=&scope=read", "invalid_request: the parameter scope is repeated"),
        (
            "grant_type=client_credentials&grant%5ftype=authorization_code",
            "invalid_request: the parameter grant_type is repeated",
        ),
        ("grant_type=client_credentials&x=1&x=2", "invalid_request: a parameter that this server does not know is repeated"),
    ] {
        let refused = with_header(&server, &client.basic(), body).await.json().unwrap_err();
        assert_eq!(refused.to_string(), expected, "{body}");
    }
}

/// RFC 6749 section 3.2: an unknown parameter is ignored.
#[tokio::test]
async fn an_unknown_parameter_is_ignored() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let answer = server.post("/oauth2/token", &client, &[("grant_type", "client_credentials"), ("audience", "x")]).await;
    assert_eq!(answer.status, 200);
}

/// RFC 6749 section 3.2: a form, and only a form.
#[tokio::test]
async fn another_content_type_is_refused() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    for content_type in ["application/json", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded2"] {
        let request = server.http.post(server.url("/oauth2/token")).header("authorization", client.basic());
        let request = request.header("content-type", content_type).body("grant_type=client_credentials");
        let refused = Answer::of(request.send().await.unwrap()).await.json().unwrap_err();
        let expected = "invalid_request: the Content-Type must be application/x-www-form-urlencoded";
        assert_eq!(refused.to_string(), expected, "{content_type}");
    }
}

/// Threat O4: a body has a limit, and what is over it is refused before it is decoded.
#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let filler = "x".repeat(64 * 1024);
    let answer = with_header(&server, &client.basic(), &format!("grant_type=client_credentials&filler={filler}")).await;
    assert_eq!(answer.status, 413);
    let scope = "x".repeat(64 * 1024);
    let request = IssueTokenRequest {
        client_authentication: Some(crate::support::surface::authentication(&client)),
        grant: Some(jeton::pb::v1::issue_token_request::Grant::ClientCredentials(ClientCredentialsGrant { scope })),
        ..IssueTokenRequest::default()
    };
    assert_eq!(server.tokens().issue_token(request).await.unwrap_err().code(), tonic::Code::OutOfRange);
}

/// Threat O4: the configured limit is the one that counts, on both surfaces.
#[tokio::test]
async fn the_configured_limit_of_a_body_counts() {
    let filler = "x".repeat(2048);
    for (limit, status) in [("limits.body_bytes=1024", 413), ("limits.body_bytes=4096", 400)] {
        let server = Server::with(&[limit]).await;
        let client = server.register(service()).await;
        let answer = server.post("/oauth2/token", &client, &[("grant_type", "client_credentials"), ("scope", &filler)]).await;
        assert_eq!(answer.status, status, "{limit}");
    }
}

/// Threats L1 and J1: a grant type that is not offered is refused, however it is spelt, and never repeated.
#[tokio::test]
async fn an_unknown_grant_type_is_not_echoed() {
    let server = Server::start().await;
    let client = server.register(service()).await;
    let names =
        ["implicit", "Code", "Password", "code ", "Client_Credentials", "client_credentials ", "<script>alert(1)</script>"];
    for name in names {
        let answer = server.post("/oauth2/token", &client, &[("grant_type", name)]).await;
        assert_eq!(
            answer.body,
            r#"{"error":"unsupported_grant_type","error_description":"grant_type must be authorization_code, refresh_token or client_credentials"}"#,
            "{name}"
        );
        assert_eq!(answer.status, 400);
    }
    let request = IssueTokenRequest {
        client_authentication: Some(crate::support::surface::authentication(&client)),
        ..IssueTokenRequest::default()
    };
    let refused = oauth_refusal(&server.tokens().issue_token(request).await.unwrap_err());
    assert_eq!(
        refused.to_string(),
        "unsupported_grant_type: the grant must be authorization_code, refresh_token or client_credentials"
    );
}

/// RFC 6749 section 5.2: each required parameter is named when it is missing.
#[tokio::test]
async fn a_missing_parameter_is_named() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let refused = api.token(&client, &[("grant_type", "authorization_code")]).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_request: code is missing");
        let refused = api.token(&client, &[("grant_type", "refresh_token")]).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_request: refresh_token is missing");
        assert_eq!(api.introspect(&client, "").await.unwrap_err().to_string(), "invalid_request: token is missing");
        assert_eq!(api.revoke(&client, "").await.unwrap_err().to_string(), "invalid_request: token is missing");
    }
    let server = Server::start().await;
    let client = server.register(web()).await;
    let refused = server.post("/oauth2/token", &client, &[]).await.json().unwrap_err();
    assert_eq!(refused.to_string(), "invalid_request: the parameter grant_type is missing");
    let refused = server.post_plainly("/oauth2/token", "grant_type=client_credentials").await.json().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "invalid_client: the request has no client authentication: send client_id and client_secret, or client_id alone for a public client"
    );
}
