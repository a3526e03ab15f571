//! A credential that a vendor's public documentation shows in its samples: here it is nobody's.

use jeton::pb::v1::client_authentication::Method;
use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::{
    ClientAuthentication, ClientCredentialsGrant, ClientSecret, GetClientRequest, IntrospectTokenRequest, IssueTokenRequest,
    RevokeTokenRequest,
};
use jeton::types::ids::ClientId;
use tonic::{Code, Status};

use crate::support::clients::{Party, service};
use crate::support::server::{Server, with_authorization};
use crate::support::surface::{Answer, form, oauth_refusal};

/// As it stands in the documentation.
const BASIC: &str = "Basic eC1wbS1sb2NhbC1jbGllbnQ6MTc5YWQ0NWM2Y2UyY2I5N2NmMTAyOWUyMTIwNDZlODE=";
const ID: &str = "x-pm-local-client";
const SECRET: &str = "179ad45c6ce2cb97cf1029e212046e81";

fn sample() -> Party {
    Party { workspace: String::new(), client_id: ID.to_owned(), secret: Some(SECRET.to_owned()) }
}

async fn assert_unknown_everywhere(server: &Server) {
    assert_eq!(sample().basic(), BASIC);
    for workspace in ["", "/acme"] {
        for path in ["/oauth2/token", "/token", "/oauth/2/token", "/oauth2/introspect", "/oauth2/revoke"] {
            let grants = [
                &[("grant_type", "authorization_code"), ("code", "c"), ("redirect_uri", "https://app.example.org/cb")][..],
                &[("grant_type", "refresh_token"), ("refresh_token", "r")],
                &[("grant_type", "client_credentials")],
                &[("grant_type", "password"), ("username", "alice"), ("password", "correct horse")],
            ];
            let tokens = [&[("token", "t")][..]];
            let forms = if path.ends_with("token") { &grants[..] } else { &tokens[..] };
            for &pairs in forms {
                let request = server.http.post(server.url(&format!("{workspace}{path}"))).header("authorization", BASIC);
                let request = request.header("content-type", "application/x-www-form-urlencoded").body(form(pairs));
                let answer = Answer::of(request.send().await.unwrap()).await;
                assert_eq!(answer.status, 401, "{workspace}{path} {pairs:?}");
                assert!(answer.header("www-authenticate").starts_with("Basic "), "{path}");
                assert!(!answer.body.contains(SECRET) && !answer.body.contains(ID), "{}", answer.body);
                assert_eq!(answer.json().unwrap_err().error, "invalid_client", "{workspace}{path}");
            }
            let in_body = [&[("client_id", ID), ("client_secret", SECRET)], forms[0]].concat();
            let answer = server.post_plainly(&format!("{workspace}{path}"), &form(&in_body)).await;
            assert_eq!(answer.json().unwrap_err().error, "invalid_client", "{workspace}{path}");
        }
    }
    let secret = ClientSecret { client_id: ID.to_owned(), client_secret: SECRET.to_owned() };
    let authentication = Some(ClientAuthentication { method: Some(Method::ClientSecretBasic(secret)) });
    let unknown = |status: Status| assert_eq!(oauth_refusal(&status).error, "invalid_client");
    let grant = Some(Grant::ClientCredentials(ClientCredentialsGrant::default()));
    let issue = IssueTokenRequest { client_authentication: authentication.clone(), grant, ..Default::default() };
    unknown(server.tokens().issue_token(issue).await.unwrap_err());
    let introspect =
        IntrospectTokenRequest { client_authentication: authentication.clone(), token: "t".into(), ..Default::default() };
    unknown(server.tokens().introspect_token(introspect).await.unwrap_err());
    let revoke = RevokeTokenRequest { client_authentication: authentication, token: "t".into(), ..Default::default() };
    unknown(server.tokens().revoke_token(revoke).await.unwrap_err());
    let trusted = with_authorization(GetClientRequest { client_id: ID.to_owned(), ..Default::default() }, BASIC);
    assert_eq!(server.clients().get_client(trusted).await.unwrap_err().code(), Code::Unauthenticated);
}

/// RFC 6749 section 5.2: an unknown client is 401 `invalid_client`, on every endpoint where clients authenticate.
#[tokio::test]
async fn the_published_sample_is_an_unknown_client_on_every_endpoint() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    assert_unknown_everywhere(&server).await;
}

/// RFC 7591 section 3.2.1: the server gives the id, so that nobody can make a client that the sample would open.
#[tokio::test]
async fn no_client_can_be_made_with_the_id_of_the_sample() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    for workspace in ["", "acme"] {
        let named =
            server.register_in(workspace, jeton::pb::v1::ClientMetadata { client_name: ID.to_owned(), ..service() }).await;
        assert!(named.client_id.starts_with("jc_"), "{}", named.client_id);
        assert_ne!(named.secret.as_deref(), Some(SECRET));
    }
    assert!(ClientId::parse(ID).is_err(), "it is no client_id of this server");
    assert_unknown_everywhere(&server).await;
}
