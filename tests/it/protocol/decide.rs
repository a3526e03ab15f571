//! Deciding an authorization request, and releasing its answer to the browser that asked.

use jeton::pb::admin::v1::{SetClientDisabledRequest, WorkspaceSettings};
use jeton::pb::v1::decide_authorization_request::Decision;
use jeton::pb::v1::{
    Approval, ContinueAuthorizationRequest, DecideAuthorizationRequest, Denial, GetAuthorizationRequest,
    ValidateAuthorizationRequest,
};
use tonic::Status;

use crate::support::clients::{CHALLENGE, Party, REDIRECT_URI, web};
use crate::support::server::Server;
use crate::support::surface::{Api, oauth_refusal};
use crate::support::web::{Browser, parameter};

const UNKNOWN_HANDLE: &str = "invalid_request: handle is unknown or has expired: the authorization request must be made again";
const ALREADY_DECIDED: &str = "invalid_request: the request of this handle was already decided";

fn alice() -> Decision {
    Decision::Approve(Approval { subject: "alice".to_owned(), ..Approval::default() })
}

fn deny() -> Decision {
    Decision::Deny(Denial::default())
}

async fn decide(server: &Server, handle: &str, decision: Decision) -> Result<String, Status> {
    let request = DecideAuthorizationRequest { workspace: String::new(), handle: handle.to_owned(), decision: Some(decision) };
    Ok(server.authorizations().decide_authorization(server.as_admin(request)).await?.into_inner().redirect_uri)
}

async fn server_and_client() -> (Server, Party) {
    let server = Server::start().await;
    let login_uri = "https://login.example.org/".to_owned();
    server.set_workspace("default", WorkspaceSettings { login_uri, ..WorkspaceSettings::default() }).await;
    let client = server.register(web()).await;
    (server, client)
}

/// A request in a browser: the browser, and the handle that the login application got.
async fn begin(server: &Server, client: &Party) -> (Browser, String) {
    let mut browser = Browser::default();
    let answer = browser.authorize(server, client, &[("scope", "read write")]).await;
    let handle = parameter(answer.header("location"), "handle").unwrap();
    (browser, handle)
}

/// A request without a browser.
async fn begin_over_grpc(server: &Server, client: &Party) -> String {
    let request = ValidateAuthorizationRequest {
        workspace: String::new(),
        response_type: "code".to_owned(),
        client_id: client.client_id.clone(),
        redirect_uri: REDIRECT_URI.to_owned(),
        scope: "read write".to_owned(),
        state: "s".to_owned(),
        code_challenge: CHALLENGE.to_owned(),
        code_challenge_method: "S256".to_owned(),
        ..ValidateAuthorizationRequest::default()
    };
    server.authorizations().validate_authorization(server.as_admin(request)).await.unwrap().into_inner().handle
}

/// RFC 6749 section 4.1.2, RFC 9207 section 2: from the browser's request to tokens.
#[tokio::test]
async fn an_approved_request_ends_in_tokens() {
    for mut api in Api::both().await {
        let (server, client) = server_and_client().await;
        api.server = server;
        let (mut browser, handle) = begin(&api.server, &client).await;
        let request = GetAuthorizationRequest { workspace: String::new(), handle: handle.clone() };
        let shown = api.server.authorizations().get_authorization(api.server.as_admin(request)).await.unwrap();
        let shown = shown.into_inner().details.unwrap();
        assert_eq!((shown.client_name.as_str(), shown.scope.as_str()), ("Web", "read write"));
        assert_eq!((shown.redirect_uri.as_str(), shown.expires_at), (REDIRECT_URI, 1_700_000_600));

        let continuation = decide(&api.server, &handle, alice()).await.unwrap();
        assert!(continuation.starts_with("https://id.example.org/oauth2/continue?ticket=jat_"), "{continuation}");
        let answer = browser.get(&api.server, &continuation).await;
        assert_eq!(answer.status, 303);
        let location = answer.header("location");
        assert!(location.starts_with("https://app.example.org/cb?code=jac_"), "{location}");
        assert_eq!(parameter(location, "state").as_deref(), Some("s t&a=te"));
        assert_eq!(parameter(location, "iss").as_deref(), Some("https://id.example.org"));
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
        let code = parameter(location, "code").unwrap();
        assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read write");
    }
}

/// RFC 6749 section 3.3: the person may allow less, never more.
#[tokio::test]
async fn a_person_may_allow_less_and_never_more() {
    let (server, client) = server_and_client().await;
    let (_, handle) = begin(&server, &client).await;
    let allow = |scope: &str| Decision::Approve(Approval { subject: "alice".to_owned(), scope: scope.to_owned(), auth_time: 0 });
    let refused = oauth_refusal(&decide(&server, &handle, allow("read admin")).await.unwrap_err());
    assert_eq!(refused.to_string(), "invalid_scope: scope is wider than what was asked");
    let [_, mut api] = Api::both().await;
    let handle = begin_over_grpc(&server, &client).await;
    let code = parameter(&decide(&server, &handle, allow("read")).await.unwrap(), "code").unwrap();
    api.server = server;
    assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read");
}

/// Threat J3: the answer goes to the browser that asked; another one ends the request.
#[tokio::test]
async fn another_browser_gets_nothing_and_ends_the_request() {
    let (server, client) = server_and_client().await;
    let (mut browser, handle) = begin(&server, &client).await;
    let (mut other, _) = begin(&server, &client).await;
    let continuation = decide(&server, &handle, alice()).await.unwrap();
    let refused = other.get(&server, &continuation).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    assert!(refused.body.contains("this sign-in began in another browser"), "{}", refused.body);
    let late = browser.get(&server, &continuation).await;
    assert_eq!((late.status, late.header("location")), (400, ""));
}

/// Threat J3: without its cookie a browser is nobody; the request stays for the one that has it.
#[tokio::test]
async fn a_browser_without_its_cookie_gets_nothing() {
    let (server, client) = server_and_client().await;
    let (mut browser, handle) = begin(&server, &client).await;
    let continuation = decide(&server, &handle, alice()).await.unwrap();
    let refused = Browser::default().get(&server, &continuation).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    assert!(refused.body.contains("this browser has no cookie of the sign-in"), "{}", refused.body);
    assert_eq!(browser.get(&server, &continuation).await.status, 303);
}

/// Threat A3: a page that is loaded twice answers the same code, until it is used.
#[tokio::test]
async fn a_repeated_continuation_answers_the_same_code() {
    let (server, client) = server_and_client().await;
    let (mut browser, handle) = begin(&server, &client).await;
    let continuation = decide(&server, &handle, alice()).await.unwrap();
    let first = browser.get(&server, &continuation).await;
    let second = browser.get(&server, &continuation).await;
    assert_eq!(first.header("location"), second.header("location"));
    let code = parameter(first.header("location"), "code").unwrap();
    let [_, mut api] = Api::both().await;
    api.server = server;
    let tokens = api.redeem(&client, &code).await.unwrap();
    assert_eq!(browser.get(&api.server, &continuation).await.status, 400);
    assert!(api.active(&client, &tokens.access_token).await);
}

/// RFC 6749 section 4.1.2.1: a denial goes to the client too.
#[tokio::test]
async fn a_denied_request_is_answered_access_denied() {
    let (server, client) = server_and_client().await;
    let (mut browser, handle) = begin(&server, &client).await;
    let continuation = decide(&server, &handle, deny()).await.unwrap();
    for _ in 0..2 {
        let answer = browser.get(&server, &continuation).await;
        assert_eq!(
            answer.header("location"),
            "https://app.example.org/cb?error=access_denied&error_description=the+request+was+denied&state=s+t%26a%3Dte&iss=https%3A%2F%2Fid.example.org"
        );
    }
    let handle = begin_over_grpc(&server, &client).await;
    assert_eq!(
        decide(&server, &handle, deny()).await.unwrap(),
        "https://app.example.org/cb?error=access_denied&error_description=the+request+was+denied&state=s&iss=https%3A%2F%2Fid.example.org"
    );
}

/// A decision that is sent twice is answered twice the same; another one is refused.
#[tokio::test]
async fn a_request_is_decided_once() {
    let (server, client) = server_and_client().await;
    let bob = || Decision::Approve(Approval { subject: "bob".to_owned(), ..Approval::default() });
    for (first, again, otherwise) in [(alice(), alice(), deny()), (alice(), alice(), bob()), (deny(), deny(), alice())] {
        let (_, in_browser) = begin(&server, &client).await;
        let over_grpc = begin_over_grpc(&server, &client).await;
        for handle in [in_browser, over_grpc] {
            let answer = decide(&server, &handle, first.clone()).await.unwrap();
            assert_eq!(decide(&server, &handle, again.clone()).await.unwrap(), answer);
            let refused = oauth_refusal(&decide(&server, &handle, otherwise.clone()).await.unwrap_err());
            assert_eq!(refused.to_string(), ALREADY_DECIDED);
            let request = GetAuthorizationRequest { workspace: String::new(), handle };
            let status = server.authorizations().get_authorization(server.as_admin(request)).await.unwrap_err();
            assert_eq!(oauth_refusal(&status).to_string(), ALREADY_DECIDED);
        }
    }
}

/// A request waits ten minutes for its person, and its answer one minute for its browser.
#[tokio::test]
async fn a_request_and_its_ticket_end() {
    let (server, client) = server_and_client().await;
    let (mut browser, in_time) = begin(&server, &client).await;
    let (_, late) = begin(&server, &client).await;
    server.clock.advance_millis(599_999);
    let continuation = decide(&server, &in_time, alice()).await.unwrap();
    server.clock.advance_millis(1);
    assert_eq!(oauth_refusal(&decide(&server, &late, alice()).await.unwrap_err()).to_string(), UNKNOWN_HANDLE);
    let request = GetAuthorizationRequest { workspace: String::new(), handle: late };
    let status = server.authorizations().get_authorization(server.as_admin(request)).await.unwrap_err();
    assert_eq!(oauth_refusal(&status).to_string(), UNKNOWN_HANDLE);
    server.clock.advance_seconds(60);
    assert_eq!(browser.get(&server, &continuation).await.status, 400);
}

/// RFC 9207 section 2: a service in the mesh gets the redirect with the code at once.
#[tokio::test]
async fn a_request_over_grpc_is_answered_with_its_code() {
    let [_, mut api] = Api::both().await;
    let (server, client) = server_and_client().await;
    let handle = begin_over_grpc(&server, &client).await;
    let redirect = decide(&server, &handle, alice()).await.unwrap();
    assert!(redirect.starts_with("https://app.example.org/cb?code=jac_"), "{redirect}");
    assert_eq!(parameter(&redirect, "state").as_deref(), Some("s"));
    assert_eq!(parameter(&redirect, "iss").as_deref(), Some("https://id.example.org"));
    api.server = server;
    let code = parameter(&redirect, "code").unwrap();
    assert_eq!(api.redeem(&client, &code).await.unwrap().scope, "read write");
    assert_eq!(oauth_refusal(&decide(&api.server, &handle, alice()).await.unwrap_err()).to_string(), ALREADY_DECIDED);
}

/// Threat J3: nobody over the network can say that it is the gateway, not even the operator.
#[tokio::test]
async fn only_the_gateway_continues_a_request() {
    let (server, client) = server_and_client().await;
    let (_, handle) = begin(&server, &client).await;
    let continuation = decide(&server, &handle, alice()).await.unwrap();
    let ticket = parameter(&continuation, "ticket").unwrap();
    let request = ContinueAuthorizationRequest { workspace: String::new(), ticket };
    let status = server.authorizations().continue_authorization(server.as_admin(request)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}

/// Threat B4: a workspace that was suspended in between issues no code.
#[tokio::test]
async fn a_suspended_workspace_decides_and_releases_nothing() {
    let (server, client) = server_and_client().await;
    let (mut browser, decided) = begin(&server, &client).await;
    let (_, waiting) = begin(&server, &client).await;
    let continuation = decide(&server, &decided, alice()).await.unwrap();
    server.set_workspace("default", WorkspaceSettings { suspended: true, ..WorkspaceSettings::default() }).await;
    let refused = oauth_refusal(&decide(&server, &waiting, alice()).await.unwrap_err());
    assert_eq!(refused.to_string(), "unauthorized_client: the workspace is suspended");
    let answer = browser.get(&server, &continuation).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

/// Threat B4: nothing is allowed for a client that was disabled in between.
#[tokio::test]
async fn a_client_that_was_disabled_meanwhile_is_allowed_nothing() {
    let (server, client) = server_and_client().await;
    let (_, handle) = begin(&server, &client).await;
    let request = SetClientDisabledRequest { workspace: String::new(), client_id: client.client_id.clone(), disabled: true };
    server.client_admin().set_client_disabled(server.as_admin(request)).await.unwrap();
    let refused = oauth_refusal(&decide(&server, &handle, alice()).await.unwrap_err());
    assert_eq!(refused.to_string(), "unauthorized_client: the client was disabled or deleted meanwhile");
}

/// Threat M1: a handle and a ticket are unknown in every other workspace.
#[tokio::test]
async fn a_handle_and_a_ticket_are_unknown_elsewhere() {
    let (server, client) = server_and_client().await;
    server.create_workspace("acme").await;
    let (mut browser, handle) = begin(&server, &client).await;
    let request = DecideAuthorizationRequest { workspace: "acme".to_owned(), handle: handle.clone(), decision: Some(alice()) };
    let status = server.authorizations().decide_authorization(server.as_admin(request)).await.unwrap_err();
    assert_eq!(oauth_refusal(&status).to_string(), UNKNOWN_HANDLE);
    let continuation = decide(&server, &handle, alice()).await.unwrap();
    let elsewhere = continuation.replace("/oauth2/continue", "/acme/oauth2/continue");
    assert_eq!(browser.get(&server, &elsewhere).await.status, 400);
    assert_eq!(browser.get(&server, &continuation).await.status, 303);
}

/// RFC 9068 section 5: nobody can vouch for a person whose `sub` is a client's.
#[tokio::test]
async fn a_person_cannot_have_the_subject_of_a_client() {
    let (server, client) = server_and_client().await;
    let refusal = "invalid_request: a subject must not begin with jc_, as the ids of clients do";
    let issued = server.try_code(&client, &client.client_id, "read").await.unwrap_err();
    assert_eq!(oauth_refusal(&issued).to_string(), refusal);
    let (_, handle) = begin(&server, &client).await;
    let subject = client.client_id.clone();
    let decided = decide(&server, &handle, Decision::Approve(Approval { subject, ..Approval::default() })).await.unwrap_err();
    assert_eq!(oauth_refusal(&decided).to_string(), refusal);
}
