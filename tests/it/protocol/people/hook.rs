//! Passwords that a service of the operator's own checks.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jeton::pb::admin::v1::{RevokeUserTokensRequest, SignInMethod, UpdateWorkspaceRequest, WorkspaceSettings};
use jeton::pb::hooks::v1::credential_check_service_server::{CredentialCheckService, CredentialCheckServiceServer};
use jeton::pb::hooks::v1::{CheckCredentialRequest, CheckCredentialResponse};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tonic::transport::Server as TonicServer;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::backoff::old_client;
use super::{Door, WRONG, wait};
use crate::support::server::Server;

pub(super) const TOKEN: &str = "the-token-of-the-hook";
pub(super) const UNAVAILABLE: &str = "temporarily_unavailable: passwords cannot be checked at present; try again later";

/// A directory whose people all have the password `open`.
#[derive(Clone, Default)]
pub(super) struct Directory(pub(super) Arc<Mutex<Vec<CheckCredentialRequest>>>, Arc<Notify>);

#[tonic::async_trait]
impl CredentialCheckService for Directory {
    async fn check_credential(
        &self,
        request: Request<CheckCredentialRequest>,
    ) -> Result<Response<CheckCredentialResponse>, Status> {
        let token = request.metadata().get("authorization").and_then(|token| token.to_str().ok()).unwrap_or_default();
        if token != format!("Bearer {TOKEN}") {
            return Err(Status::unauthenticated("another token is expected"));
        }
        let sent = request.into_inner();
        self.0.lock().unwrap().push(sent.clone());
        let subject = match (sent.username.as_str(), sent.password.as_str()) {
            ("slow", _) => pending().await,
            ("held", _) => {
                self.1.notified().await;
                "held@directory".to_owned()
            }
            ("broken", _) => return Err(Status::internal("the directory is broken")),
            ("controls", _) => "a\nb".to_owned(),
            ("client", _) => "jc_0".to_owned(),
            (username, "open") => format!("{username}@directory"),
            _ => String::new(),
        };
        Ok(Response::new(CheckCredentialResponse { subject }))
    }
}

/// A directory that runs, and what a server is told of it.
struct Hook {
    directory: Directory,
    address: SocketAddr,
    /// Of its own, so that its connections can be cut.
    runtime: Option<Runtime>,
    files: TempDir,
}

impl Hook {
    async fn start() -> Self {
        let mut hook = Self {
            directory: Directory::default(),
            address: ([127, 0, 0, 1], 0).into(),
            runtime: None,
            files: TempDir::new().unwrap(),
        };
        hook.come_up().await;
        hook
    }

    async fn come_up(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (address, service) = (self.address, CredentialCheckServiceServer::new(self.directory.clone()));
        let bound = runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(TonicServer::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener)));
            address
        });
        self.address = bound.await.unwrap();
        self.runtime = Some(runtime);
    }

    /// Ends with all its connections.
    async fn go_down(&mut self) {
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(60))).await.unwrap();
    }

    /// A server whose default workspace asks this directory.
    async fn server(&self, token: &str, scheme: &str) -> Server {
        self.server_that_waits(token, scheme, 500).await
    }

    async fn server_that_waits(&self, token: &str, scheme: &str, millis: u32) -> Server {
        let file = self.files.path().join("token");
        std::fs::write(&file, format!("{token}\n")).unwrap();
        let server = Server::with(&[
            &format!("hooks.credential_check_uri={scheme}://{}", self.address),
            &format!("hooks.credential_check_token_file={}", file.display()),
            &format!("hooks.credential_check_timeout_ms={millis}"),
        ])
        .await;
        server.sign_in_by(at_the_hook()).await;
        server
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(super) fn at_the_hook() -> WorkspaceSettings {
    WorkspaceSettings { sign_in: SignInMethod::CredentialCheck.into(), ..WorkspaceSettings::default() }
}

#[tokio::test]
async fn the_hook_says_who_signs_in() {
    let hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    let door = Door::of(&server);
    let session = door.sign_in("alice", "open").await.unwrap();
    assert_eq!(door.who(&session).await.as_deref(), Some("alice@directory"));
    assert_eq!(door.refused("alice", "shut").await, WRONG);
    let asked = hook.directory.0.lock().unwrap();
    let asked: Vec<_> =
        asked.iter().map(|sent| (sent.workspace.as_str(), sent.username.as_str(), sent.password.as_str())).collect();
    assert_eq!(asked, [("default", "alice", "open"), ("default", "alice", "shut")]);
}

/// The directory of jeton's own is not asked.
#[tokio::test]
async fn a_password_of_the_own_directory_does_not_count_there() {
    let hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    server.person("alice", "correct horse").await;
    assert_eq!(Door::of(&server).refused("alice", "correct horse").await, WRONG);
}

/// Threat K1: who is disabled here stays out, whatever the hook says.
#[tokio::test]
async fn a_subject_that_is_disabled_stays_out() {
    let hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    let door = Door::of(&server);
    server.person("alice@directory", "").await;
    let session = door.sign_in("alice", "open").await.unwrap();
    server.disable("alice@directory", true).await;
    assert_eq!(door.who(&session).await, None);
    assert_eq!(door.refused("alice", "open").await, WRONG);
}

/// Fails closed: what is no answer signs nobody in, and is nobody's failure.
#[tokio::test]
async fn no_answer_is_an_outage() {
    let mut hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    let door = Door::of(&server);
    assert_eq!(door.refused("slow", "open").await, UNAVAILABLE);
    for username in ["broken", "controls", "client"] {
        for _ in 0..8 {
            assert_eq!(door.refused(username, "open").await, UNAVAILABLE, "{username}");
        }
    }
    hook.go_down().await;
    for _ in 0..8 {
        assert_eq!(door.refused("alice", "open").await, UNAVAILABLE);
    }
}

#[tokio::test]
async fn the_hook_comes_back_after_an_outage() {
    let mut hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    let door = Door::of(&server);
    door.sign_in("alice", "open").await.unwrap();
    hook.go_down().await;
    assert_eq!(door.refused("alice", "open").await, UNAVAILABLE);
    hook.come_up().await;
    door.sign_in("alice", "open").await.unwrap();
}

#[tokio::test]
async fn a_wrong_token_is_an_outage() {
    let hook = Hook::start().await;
    let server = hook.server("another-token", "http").await;
    assert_eq!(Door::of(&server).refused("alice", "open").await, UNAVAILABLE);
    assert!(hook.directory.0.lock().unwrap().is_empty());
}

/// A password goes nowhere before the other side has proved who it is.
#[tokio::test]
async fn without_a_certificate_nothing_is_sent() {
    let hook = Hook::start().await;
    let server = hook.server(TOKEN, "https").await;
    assert_eq!(Door::of(&server).refused("alice", "open").await, UNAVAILABLE);
    assert!(hook.directory.0.lock().unwrap().is_empty());
}

/// Threat K2: a wrong password is one, wherever it is checked.
#[tokio::test]
async fn wrong_passwords_at_the_hook_cost_waits() {
    let hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    let door = Door::of(&server);
    for _ in 0..6 {
        assert_eq!(door.refused("alice", "shut").await, WRONG);
    }
    assert_eq!(door.refused("alice", "open").await, wait(1));
    assert_eq!(hook.directory.0.lock().unwrap().len(), 6, "who waits is not asked about");
}

/// Threat K2: a directory may read several spellings as one name, so that they share one count.
#[tokio::test]
async fn spellings_of_a_name_share_one_counter() {
    let hook = Hook::start().await;
    let server = hook.server(TOKEN, "http").await;
    let door = Door::of(&server);
    for username in ["alice", "Alice", "ALICE", " alice", "alice\t", "ali\u{a0}ce"] {
        assert_eq!(door.refused(username, "shut").await, WRONG, "{username:?}");
    }
    for username in ["alice", "aLICE", "alice ", "alice\0"] {
        assert_eq!(door.refused(username, "open").await, wait(1), "{username:?}");
    }
    assert_eq!(door.refused("bob", "shut").await, WRONG);
    door.sign_in("Bob", "open").await.unwrap();
    assert_eq!(hook.directory.0.lock().unwrap().last().unwrap().username, "Bob", "the directory sees what was typed");
}

/// Threat B4: a password counts from when it was presented, so that what ends everything until now ends a sign-in that is
/// under way, too.
#[tokio::test]
async fn a_sign_in_under_way_ends_with_what_is_revoked() {
    let hook = Hook::start().await;
    let server = hook.server_that_waits(TOKEN, "http", 9_000).await;
    let door = Door::of(&server);
    let client = old_client(&server).await;
    let revoke = async || {
        hook.directory.0.lock().unwrap().clear();
        while hook.directory.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        server.clock.advance_seconds(1);
        let request = RevokeUserTokensRequest { workspace: String::new(), subject: "held@directory".to_owned() };
        server.users().revoke_user_tokens(server.as_admin(request)).await.unwrap();
        server.clock.advance_seconds(1);
        hook.directory.1.notify_one();
    };
    let (session, ()) = tokio::join!(door.sign_in("held", "open"), revoke());
    assert_eq!(door.who(&session.unwrap()).await, None);
    let pairs = [("grant_type", "password"), ("username", "held"), ("password", "open"), ("scope", "read")];
    let (answer, ()) = tokio::join!(server.post("/oauth2/token", &client, &pairs), revoke());
    let tokens = answer.json().unwrap();
    for token in ["access_token", "refresh_token"] {
        let answer = server.post("/oauth2/introspect", &client, &[("token", tokens[token].as_str().unwrap())]).await;
        assert_eq!(answer.body, r#"{"active":false}"#, "{token}");
    }
    hook.directory.1.notify_one();
    let session = door.sign_in("held", "open").await.unwrap();
    assert_eq!(door.who(&session).await.as_deref(), Some("held@directory"));
}

#[tokio::test]
async fn a_workspace_cannot_ask_a_hook_that_is_not_there() {
    let server = Server::start().await;
    let request = UpdateWorkspaceRequest { name: "default".to_owned(), settings: Some(at_the_hook()), revision: 0 };
    let refused = server.workspaces().update_workspace(server.as_admin(request)).await.unwrap_err();
    assert_eq!(refused.message(), "sign_in credential_check needs hooks.credential_check_uri to be configured");
}
