//! `prompt` and `max_age` (OpenID Connect Core 1.0 section 3.1.2.1) with a login application.

use jeton::pb::admin::v1::WorkspaceSettings;
use jeton::pb::v1::decide_authorization_request::Decision;
use jeton::pb::v1::{Approval, DecideAuthorizationRequest, Denial, DenialReason, GetAuthorizationRequest};
use tonic::Status;

use crate::support::clients::{Party, web};
use crate::support::server::{START, Server};
use crate::support::surface::oauth_refusal;
use crate::support::web::{Browser, parameter};

async fn server_and_client() -> (Server, Party) {
    let server = Server::start().await;
    let login_uri = "https://login.example.org/".to_owned();
    server.set_workspace("default", WorkspaceSettings { login_uri, ..WorkspaceSettings::default() }).await;
    let client = server.register(web()).await;
    (server, client)
}

async fn handle(server: &Server, browser: &mut Browser, client: &Party, changes: &[(&str, &str)]) -> String {
    let answer = browser.authorize(server, client, changes).await;
    parameter(answer.header("location"), "handle").unwrap()
}

async fn decide(server: &Server, handle: &str, decision: Decision) -> Result<String, Status> {
    let request = DecideAuthorizationRequest { workspace: String::new(), handle: handle.to_owned(), decision: Some(decision) };
    Ok(server.authorizations().decide_authorization(server.as_admin(request)).await?.into_inner().redirect_uri)
}

/// The login application is told what the person must be asked.
#[tokio::test]
async fn the_login_application_sees_prompt_and_max_age() {
    let (server, client) = server_and_client().await;
    let changes = [("prompt", "login consent"), ("max_age", "60")];
    let handle = handle(&server, &mut Browser::default(), &client, &changes).await;
    let request = GetAuthorizationRequest { workspace: String::new(), handle };
    let details =
        server.authorizations().get_authorization(server.as_admin(request)).await.unwrap().into_inner().details.unwrap();
    assert_eq!((details.prompt.as_str(), details.max_age), ("login consent", Some(60)));
}

#[tokio::test]
async fn a_prompt_that_is_not_defined_is_refused_by_redirect() {
    let (server, client) = server_and_client().await;
    for changes in [[("prompt", "none login")], [("prompt", "create")], [("prompt", "LOGIN")]] {
        let answer = Browser::default().authorize(&server, &client, &changes).await;
        assert_eq!(parameter(answer.header("location"), "error").as_deref(), Some("invalid_request"), "{changes:?}");
    }
    for max_age in ["-1", "soon", "1.5", "99999999999"] {
        let answer = Browser::default().authorize(&server, &client, &[("max_age", max_age)]).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{max_age}");
    }
}

/// Section 3.1.2.6: the login application answers `prompt=none` without asking anybody.
#[tokio::test]
async fn prompt_none_ends_with_the_reason_that_the_login_application_gives() {
    let (server, client) = server_and_client().await;
    for (reason, error) in [
        (DenialReason::LoginRequired, "login_required"),
        (DenialReason::ConsentRequired, "consent_required"),
        (DenialReason::InteractionRequired, "interaction_required"),
        (DenialReason::Unspecified, "access_denied"),
    ] {
        let mut browser = Browser::default();
        let handle = handle(&server, &mut browser, &client, &[("prompt", "none")]).await;
        let denial = || Decision::Deny(Denial { reason: reason.into() });
        let continuation = decide(&server, &handle, denial()).await.unwrap();
        assert_eq!(decide(&server, &handle, denial()).await.unwrap(), continuation);
        let answer = browser.get(&server, &continuation).await;
        assert_eq!(parameter(answer.header("location"), "error").as_deref(), Some(error));
    }
}

/// A sign-in that is older than the request allows is refused, whoever vouches for it.
#[tokio::test]
async fn an_old_sign_in_does_not_satisfy_max_age() {
    let (server, client) = server_and_client().await;
    let handle = handle(&server, &mut Browser::default(), &client, &[("max_age", "300")]).await;
    let signed_in = |auth_time| Decision::Approve(Approval { subject: "alice".to_owned(), auth_time, ..Approval::default() });
    let refused = oauth_refusal(&decide(&server, &handle, signed_in(START - 1000)).await.unwrap_err());
    let too_old = "invalid_request: auth_time is older than max_age allows: the person must sign in again";
    assert_eq!(refused.to_string(), too_old);
    assert!(decide(&server, &handle, signed_in(START - 200)).await.is_ok());
}
