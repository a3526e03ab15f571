//! People: passwords, waits after failures, sessions, and a directory of the operator's own.

mod backoff;
mod hook;
mod hook_tls;
mod passwords;
mod sessions;

use std::net::IpAddr;

use jeton::engine::people::sign_in::{Credentials, Visitor};
use jeton::pb::admin::v1::{CreateUserRequest, SetUserDisabledRequest, SetUserPasswordRequest, WorkspaceSettings};
use jeton::types::error::Refusal;
use jeton::types::ids::WorkspaceName;
use jeton::types::secret::Secret;
use tonic::Status;

use crate::support::server::Server;

/// What alice signs in with.
const PASSWORD: &str = "correct horse";
const WRONG: &str = "invalid_grant: username or password is wrong";
/// The cookie of the browser that the tests use.
const BROWSER: &str = "a browser's cookie";

/// The page where the people of a workspace sign in, as the rules behind it see it.
pub(super) struct Door<'a> {
    server: &'a Server,
    workspace: &'static str,
    address: Option<IpAddr>,
}

impl<'a> Door<'a> {
    pub(super) fn of(server: &'a Server) -> Self {
        Self { server, workspace: "", address: None }
    }

    /// The same door, from somewhere else.
    pub(super) fn from(&self, address: [u8; 4]) -> Self {
        Self { address: Some(address.into()), ..*self }
    }

    fn visitor(&self, session: Option<&Secret>) -> Visitor {
        Visitor { browser: Some(Secret::new(BROWSER.to_owned())), session: session.cloned(), address: self.address }
    }

    fn entry(&self) -> std::sync::Arc<jeton::engine::workspaces::WorkspaceEntry> {
        self.server.engine().workspace(&WorkspaceName::parse(self.workspace).unwrap()).unwrap()
    }

    pub(super) fn csrf_token(&self) -> String {
        let token = self.server.engine().csrf_token(self.entry().record.id, &Secret::new(BROWSER.to_owned()));
        token.expose_secret().to_owned()
    }

    /// A new session.
    pub(super) async fn sign_in(&self, username: &str, password: &str) -> Result<Secret, String> {
        self.sign_in_with(&self.visitor(None), &self.csrf_token(), username, password).await
    }

    async fn sign_in_with(&self, visitor: &Visitor, csrf: &str, username: &str, password: &str) -> Result<Secret, String> {
        let credentials = Credentials { username: username.to_owned(), password: Secret::new(password.to_owned()) };
        let signed_in = self.server.engine().sign_in(&self.entry(), visitor, csrf, &credentials).await;
        signed_in.map_err(|refusal| told(&refusal))
    }

    pub(super) async fn refused(&self, username: &str, password: &str) -> String {
        self.sign_in(username, password).await.expect_err("nobody signs in")
    }

    async fn sign_out(&self, session: &Secret, csrf: &str) -> Result<(), String> {
        let signed_out = self.server.engine().sign_out(&self.entry(), &self.visitor(Some(session)), csrf).await;
        signed_out.map_err(|refusal| told(&refusal))
    }

    /// Whose session it is, if it is one.
    async fn who(&self, session: &Secret) -> Option<String> {
        let signed_in = self.server.engine().signed_in(&self.entry(), Some(session)).await.unwrap();
        signed_in.map(|person| person.subject().as_str().to_owned())
    }
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::OAuth(error) => error.to_string(),
        Refusal::PermissionDenied(_) => "not our form".to_owned(),
        other => format!("{other:?}"),
    }
}

fn wait(seconds: u32) -> String {
    format!("too_many_requests: too many attempts: try again in {seconds} seconds")
}

impl Server {
    pub(super) async fn person(&self, username: &str, password: &str) {
        self.try_person(username, password).await.unwrap();
    }

    pub(super) async fn try_person(&self, username: &str, password: &str) -> Result<(), Status> {
        let request =
            CreateUserRequest { username: username.to_owned(), password: password.to_owned(), ..CreateUserRequest::default() };
        self.users().create_user(self.as_admin(request)).await.map(|_| ())
    }

    pub(super) async fn set_password(&self, subject: &str, password: &str) -> Result<(), Status> {
        let (subject, password) = (subject.to_owned(), password.to_owned());
        let request = SetUserPasswordRequest { workspace: String::new(), subject, password };
        self.users().set_user_password(self.as_admin(request)).await.map(|_| ())
    }

    async fn disable(&self, subject: &str, disabled: bool) {
        let request = SetUserDisabledRequest { workspace: String::new(), subject: subject.to_owned(), disabled };
        self.users().set_user_disabled(self.as_admin(request)).await.unwrap();
    }

    async fn sign_in_by(&self, settings: WorkspaceSettings) {
        self.set_workspace("default", settings).await;
    }
}
