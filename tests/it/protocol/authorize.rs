//! The authorization endpoint's checks (RFC 6749 section 4.1.1): over REST in a browser, and over gRPC.

use jeton::pb::admin::v1::{SetClientDisabledRequest, WorkspaceSettings};
use jeton::pb::v1::{ClientMetadata, GrantType, ValidateAuthorizationRequest, ValidateAuthorizationResponse};
use tonic::Status;

use crate::support::clients::{CHALLENGE, Party, REDIRECT_URI, VERIFIER, native, service, web};
use crate::support::server::Server;
use crate::support::surface::{Answer, oauth_refusal_with_redirect};
use crate::support::web::{Browser, parameter, request_parameters};

const LOGIN_URI: &str = "https://login.example.org/sign-in";

async fn with_login_application(workspace: &str) -> Server {
    let server = Server::start().await;
    if workspace != "default" {
        server.create_workspace(workspace).await;
    }
    server.set_workspace(workspace, WorkspaceSettings { login_uri: LOGIN_URI.to_owned(), ..WorkspaceSettings::default() }).await;
    server
}

async fn validate(server: &Server, party: &Party, changes: &[(&str, &str)]) -> Result<ValidateAuthorizationResponse, Status> {
    let parameters = request_parameters(party, changes);
    let value = |name: &str| parameters.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let request = ValidateAuthorizationRequest {
        workspace: party.workspace.clone(),
        response_type: value("response_type"),
        client_id: value("client_id"),
        redirect_uri: value("redirect_uri"),
        scope: value("scope"),
        state: value("state"),
        code_challenge: value("code_challenge"),
        code_challenge_method: value("code_challenge_method"),
        ..ValidateAuthorizationRequest::default()
    };
    Ok(server.authorizations().validate_authorization(server.as_admin(request)).await?.into_inner())
}

fn assert_page(answer: &Answer, description: &str) {
    assert_eq!((answer.status, answer.header("location")), (400, ""), "{description}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(answer.body.contains(description), "{description} in {}", answer.body);
}

/// The page of a refusal, and the same refusal over gRPC, neither with anywhere to send a browser to.
async fn assert_ends_here(server: &Server, party: &Party, changes: &[(&str, &str)], description: &str) {
    assert_page(&Browser::default().authorize(server, party, changes).await, description);
    assert_page(&Browser::default().authorize_by_post(server, party, changes).await, description);
    let (refused, redirect) = oauth_refusal_with_redirect(&validate(server, party, changes).await.unwrap_err());
    assert_eq!((refused.error.as_str(), refused.description.as_str(), redirect.as_str()), ("invalid_request", description, ""));
}

/// RFC 9700 section 4.12; threat J6: the browser goes to the login application with a handle and nothing else.
#[tokio::test]
async fn a_good_request_goes_to_the_login_application() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    for by_post in [false, true] {
        let mut browser = Browser::default();
        let answer = match by_post {
            false => browser.authorize(&server, &client, &[]).await,
            true => browser.authorize_by_post(&server, &client, &[]).await,
        };
        assert_eq!(answer.status, 303);
        let location = answer.header("location");
        let handle = parameter(location, "handle").unwrap();
        assert_eq!(location, format!("{LOGIN_URI}?workspace=default&handle={handle}"));
        assert!(handle.starts_with("jah_"));
        assert!(answer.header("set-cookie").starts_with("__Host-jeton_browser="));
        assert!(answer.header("set-cookie").ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    }
}

/// A workspace has its own login application, which learns for which workspace the person comes.
#[tokio::test]
async fn a_workspace_has_its_own_login_application() {
    let server = with_login_application("acme").await;
    let client = server.register_in("acme", web()).await;
    let answer = Browser::default().authorize(&server, &client, &[]).await;
    assert!(answer.header("location").starts_with("https://login.example.org/sign-in?workspace=acme&handle=jah_"));
}

/// Without a login application our own pages ask the person.
#[tokio::test]
async fn without_a_login_application_the_person_is_asked_on_our_own_pages() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    let answer = Browser::default().authorize(&server, &client, &[]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").starts_with("/consent?handle=jah_"));
}

/// RFC 6749 section 4.1.2.1; threat C5: a client that is not known is nobody to redirect to, whatever else is wrong.
#[tokio::test]
async fn a_bad_client_is_answered_with_a_page() {
    let server = with_login_application("default").await;
    server.create_workspace("acme").await;
    let client = server.register(web()).await;
    let elsewhere = server.register_in("acme", web()).await;
    let disabled = server.register(web()).await;
    let request = SetClientDisabledRequest { workspace: String::new(), client_id: disabled.client_id.clone(), disabled: true };
    server.client_admin().set_client_disabled(server.as_admin(request)).await.unwrap();
    let unknown = "client_id does not name a client of this workspace";
    for other in [&[][..], &[("response_type", "token")], &[("scope", "delete")], &[("code_challenge", "")]] {
        for id in [disabled.client_id.as_str(), &elsewhere.client_id, "nobody", "jc_AAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_ends_here(&server, &client, &[other, &[("client_id", id)]].concat(), unknown).await;
        }
        assert_ends_here(&server, &client, &[other, &[("client_id", "")]].concat(), "client_id is missing").await;
    }
}

/// RFC 9700 section 2.1; threats C1, C4 and C6: no spelling but the registered one, whatever else is wrong.
#[tokio::test]
async fn a_redirect_uri_is_compared_to_the_character() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    let mutated = [
        "https://app.example.org/cb/",
        "https://app.example.org/cb?",
        "https://app.example.org/cb?x=1",
        "https://app.example.org/cb#",
        "https://app.example.org/cb#fragment",
        "https://app.example.org/cb;",
        "https://app.example.org/cb%20",
        "https://app.example.org/cb ",
        " https://app.example.org/cb",
        "https://app.example.org/cb\t",
        "https://app.example.org/CB",
        "https://app.example.org/c%62",
        "https://app.example.org/%63b",
        "https://app.example.org//cb",
        "https://app.example.org/./cb",
        "https://app.example.org/x/../cb",
        "https://app.example.org/..;/cb",
        "https://app.example.org/cb/..",
        "https://app.example.org/cb/../evil",
        "https://app.example.org/cb%2f",
        "https://app.example.org\\cb",
        "https://app.example.org/\\cb",
        "https:\\\\app.example.org\\cb",
        "https:/app.example.org/cb",
        "https:app.example.org/cb",
        "//app.example.org/cb",
        "/cb",
        "https://APP.example.org/cb",
        "HTTPS://app.example.org/cb",
        "http://app.example.org/cb",
        "https://app.example.org:443/cb",
        "https://app.example.org:8443/cb",
        "https://app.example.org./cb",
        "https://app.example.org.evil.test/cb",
        "https://evil.test/https://app.example.org/cb",
        "https://app.example.org@evil.test/cb",
        "https://user@app.example.org/cb",
        "https://user:password@app.example.org/cb",
        "https://app.example.org@@evil.test/cb",
        "https://evil.test#@app.example.org/cb",
        "https://evil.test?@app.example.org/cb",
        "https://evil.test\\@app.example.org/cb",
        "https://\u{430}pp.example.org/cb",
        "https://xn--pp-7kc.example.org/cb",
        "https://app.example\u{3002}org/cb",
        "https://127.0.0.1/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "*",
    ];
    let unregistered = "redirect_uri is not one that the client registered: it must be equal character by character";
    for uri in mutated {
        assert_ends_here(&server, &client, &[("redirect_uri", uri)], unregistered).await;
    }
    for other in [("response_type", "token"), ("scope", "delete"), ("code_challenge", "")] {
        assert_ends_here(&server, &client, &[("redirect_uri", "https://evil.test/"), other], unregistered).await;
    }
}

/// RFC 6749 section 3.1.2.3: it may be left out only when there is no choice.
#[tokio::test]
async fn the_redirect_uri_may_be_left_out_when_one_is_registered() {
    let server = with_login_application("default").await;
    let one = server.register(web()).await;
    assert_eq!(validate(&server, &one, &[("redirect_uri", "")]).await.unwrap().details.unwrap().redirect_uri, REDIRECT_URI);
    let several = server.register(native()).await;
    let missing = "redirect_uri is missing, and the client has not registered exactly one";
    assert_ends_here(&server, &several, &[("redirect_uri", "")], missing).await;
}

/// RFC 8252 section 7.3; threat C3: a native client's loopback address is good on any port, and only that.
#[tokio::test]
async fn a_native_client_may_use_any_loopback_port() {
    let server = with_login_application("default").await;
    let client = server.register(native()).await;
    for uri in ["http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", "http://127.0.0.1:1/cb"] {
        assert_eq!(validate(&server, &client, &[("redirect_uri", uri)]).await.unwrap().details.unwrap().redirect_uri, uri);
    }
    let unregistered = "redirect_uri is not one that the client registered: it must be equal character by character";
    for uri in [
        "http://127.0.0.1:49152/cb/",
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:+80/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "http://127.0.0.1@evil.test/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:80.evil.test/cb",
        "http://127.0.0.2:49152/cb",
        "http://[::1]:49152/cb",
        "http://localhost:49152/cb",
        "http://localhost.evil.test/cb",
        "https://127.0.0.1:49152/cb",
    ] {
        assert_ends_here(&server, &client, &[("redirect_uri", uri)], unregistered).await;
    }
    let web = server.register(ClientMetadata { redirect_uris: vec!["http://127.0.0.1/cb".to_owned()], ..web() }).await;
    assert_ends_here(&server, &web, &[("redirect_uri", "http://127.0.0.1:49152/cb")], unregistered).await;
}

/// RFC 6749 section 4.1.2.1, RFC 9207 section 2; threats D3, D4 and L1: every other error goes to the client, with
/// its state and the issuer, and the same over both surfaces.
#[tokio::test]
async fn every_other_error_goes_to_the_client() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    let (type_missing, type_unknown) =
        ("response_type is missing: it must be code", "response_type must be code: nothing else is supported");
    let (no_challenge, not_s256) =
        ("code_challenge is missing: PKCE with S256 is required", "code_challenge_method must be S256");
    let bad_challenge = "code_challenge must be the base64url encoding of a SHA-256 value, 43 characters without padding";
    let beyond = "scope names something that the client is not registered for";
    let wildcard = "scope must name its scopes one by one, not *; the policy wildcard_scope is off for this client: \
                    an operator switches it on with jeton policy enable";
    let padded = format!("{CHALLENGE}=");
    for (name, value, error, description) in [
        ("response_type", "", "invalid_request", type_missing),
        ("response_type", "code token", "unsupported_response_type", type_unknown),
        ("response_type", "id_token", "unsupported_response_type", type_unknown),
        ("response_type", "CODE", "unsupported_response_type", type_unknown),
        ("response_type", " code", "unsupported_response_type", type_unknown),
        ("code_challenge", "", "invalid_request", no_challenge),
        ("code_challenge_method", "", "invalid_request", not_s256),
        ("code_challenge_method", "plain", "invalid_request", not_s256),
        ("code_challenge_method", "s256", "invalid_request", not_s256),
        ("code_challenge", "short", "invalid_request", bad_challenge),
        ("code_challenge", &padded, "invalid_request", bad_challenge),
        ("scope", "delete", "invalid_scope", beyond),
        ("scope", "read delete", "invalid_scope", beyond),
        ("scope", "*", "invalid_scope", wildcard),
    ] {
        let answer = Browser::default().authorize(&server, &client, &[(name, value)]).await;
        let posted = Browser::default().authorize_by_post(&server, &client, &[(name, value)]).await;
        assert_eq!((answer.status, posted.status), (303, 303), "{name}={value}");
        let location = answer.header("location");
        assert_eq!(location, posted.header("location"));
        assert!(location.starts_with("https://app.example.org/cb?error="), "{location}");
        assert_eq!(parameter(location, "error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(parameter(location, "error_description").as_deref(), Some(description));
        assert_eq!(parameter(location, "state").as_deref(), Some("s t&a=te"));
        assert_eq!(parameter(location, "iss").as_deref(), Some("https://id.example.org"));
        let (refused, redirect) = oauth_refusal_with_redirect(&validate(&server, &client, &[(name, value)]).await.unwrap_err());
        assert_eq!((refused.error.as_str(), refused.description.as_str()), (error, description));
        assert_eq!(redirect, location);
    }
}

/// RFC 6749 section 4.1.2.1: neither a client without the grant type nor a suspended workspace gets a code.
#[tokio::test]
async fn a_client_without_the_grant_type_hears_it_by_redirect() {
    let server = with_login_application("default").await;
    let redirect_uris = vec![REDIRECT_URI.to_owned()];
    let grant_types = vec![GrantType::ClientCredentials.into()];
    let client = server.register(ClientMetadata { redirect_uris, grant_types, ..service() }).await;
    let answer = Browser::default().authorize(&server, &client, &[]).await;
    assert_eq!(parameter(answer.header("location"), "error").as_deref(), Some("unauthorized_client"));
    let client = server.register(web()).await;
    server.set_workspace("default", WorkspaceSettings { suspended: true, ..WorkspaceSettings::default() }).await;
    let answer = Browser::default().authorize(&server, &client, &[]).await;
    assert_eq!(parameter(answer.header("location"), "error").as_deref(), Some("unauthorized_client"));
    assert_eq!(parameter(answer.header("location"), "error_description").as_deref(), Some("the workspace is suspended"));
}

/// A `state` that is too long is not sent back; the error is.
#[tokio::test]
async fn a_state_over_the_limit_is_refused_without_it() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    let (longest, too_long) = ("s".repeat(2048), "s".repeat(2049));
    assert!(validate(&server, &client, &[("state", &longest)]).await.is_ok());
    let answer = Browser::default().authorize(&server, &client, &[("state", &too_long)]).await;
    assert_eq!(
        answer.header("location"),
        "https://app.example.org/cb?error=invalid_request&error_description=state+is+longer+than+2048+bytes&iss=https%3A%2F%2Fid.example.org"
    );
}

/// RFC 6749 section 3.1; threat D3: a repeated parameter ends on the page, for nobody knows which one counts.
#[tokio::test]
async fn a_repeated_parameter_ends_on_the_page() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    for name in ["state", "redirect_uri", "client_id", "code_challenge", "response_type"] {
        let mut parameters = request_parameters(&client, &[]);
        parameters.push((name.to_owned(), "https://evil.test/".to_owned()));
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let path = format!("/oauth2/authorize?{}", crate::support::surface::form(&pairs));
        assert_page(&Browser::default().get(&server, &path).await, &format!("the parameter {name} is repeated"));
    }
}

/// Threat J1: what the request says does not come back in the page.
#[tokio::test]
async fn the_page_repeats_nothing_of_the_request() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    for name in ["client_id", "redirect_uri"] {
        let payload = "<script>alert(document.domain)</script>";
        let answer =
            Browser::default().authorize(&server, &client, &[(name, payload), ("state", payload), ("scope", payload)]).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.contains("alert"), "{}", answer.body);
    }
}

/// Threat C7: between the two steps nothing is taken from the browser, so a verifier of another request is refused.
#[tokio::test]
async fn the_challenge_of_the_request_is_the_one_that_counts() {
    let server = with_login_application("default").await;
    let client = server.register(web()).await;
    let verifier_as_challenge = validate(&server, &client, &[("code_challenge", VERIFIER)]).await.unwrap();
    assert_eq!(verifier_as_challenge.login_uri, "", "no browser, nowhere to send it");
    assert_eq!(verifier_as_challenge.expires_in, 600);
    let details = verifier_as_challenge.details.unwrap();
    assert_eq!((details.client_name.as_str(), details.scope.as_str(), details.expires_at), ("Web", "read", 1_700_000_600));
}
