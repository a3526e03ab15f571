//! What the walks share: a server on a real port with a person and a client, that client's own site, and
//! a browser.

use std::process::{Command, Stdio};

use jeton::pb::admin::v1::scope_service_client::ScopeServiceClient;
use jeton::pb::admin::v1::{CreateUserRequest, Scope, SetScopeRequest};
use jeton::pb::v1::ClientMetadata;
use serde_json::Value;

use super::application::Application;
use super::chromium::Chromium;
use super::page::Page;
use crate::support::clients::{CHALLENGE, Party, VERIFIER, web};
use crate::support::server::Server;
use crate::support::surface::form;

pub const USERNAME: &str = "alice";
pub const PASSWORD: &str = "correct horse battery staple";
/// A state as a client might choose it, with what a URL must encode.
pub const STATE: &str = "st&te=1 2";

/// Everything that a walk needs.
pub struct Scene {
    pub server: Server,
    pub application: Application,
    pub chromium: Chromium,
    /// The client whose site the application is.
    pub party: Party,
}

impl Scene {
    /// With the default settings.
    pub async fn set() -> Self {
        Self::with(&[]).await
    }

    /// With other settings.
    pub async fn with(settings: &[&str]) -> Self {
        // Without an issuer the server's own address is it, so that every redirect stays on this machine.
        let server = Server::with(&[&["issuer="], settings].concat()).await;
        let request =
            CreateUserRequest { username: USERNAME.to_owned(), password: PASSWORD.to_owned(), ..CreateUserRequest::default() };
        server.users().create_user(server.as_admin(request)).await.unwrap();
        let mut scopes = ScopeServiceClient::new(server.admin());
        for (name, description) in [("read", "Read your notes"), ("write", "Change and delete your notes")] {
            let scope = Scope { name: name.to_owned(), description: description.to_owned(), restricted: false };
            let request = SetScopeRequest { workspace: String::new(), scope: Some(scope) };
            scopes.set_scope(server.as_admin(request)).await.unwrap();
        }
        let application = Application::start().await;
        let named = ClientMetadata { client_name: "Notebook".to_owned(), redirect_uris: vec![application.url("/cb")], ..web() };
        let party = server.register(named).await;
        Self { server, application, chromium: Chromium::start().await, party }
    }

    /// An authorization request of the client, which ends at its site.
    pub fn request(&self) -> String {
        self.request_of(&self.party, &self.application.url("/cb"))
    }

    /// The same of another client.
    pub fn request_of(&self, party: &Party, redirect_uri: &str) -> String {
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &party.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", "read write"),
            ("state", STATE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        self.server.url(&format!("/oauth2/authorize?{query}"))
    }

    /// Exchanges a code with a real curl.
    pub fn exchange(&self, code: &str) -> Value {
        let line = r#"curl --silent --show-error --user "$CLIENT_ID:$CLIENT_SECRET" --data grant_type=authorization_code \
            --data-urlencode "code=$CODE" --data-urlencode "redirect_uri=$REDIRECT_URI" --data "code_verifier=$VERIFIER" "$TOKEN""#;
        let redirect_uri = self.application.url("/cb");
        let variables = [
            ("CLIENT_ID", self.party.client_id.as_str()),
            ("CLIENT_SECRET", self.party.secret.as_deref().unwrap()),
            ("CODE", code),
            ("REDIRECT_URI", &redirect_uri),
            ("VERIFIER", VERIFIER),
            ("TOKEN", &self.server.url("/oauth2/token")),
        ];
        shell(line, &variables)
    }

    /// The codes that arrived at the client's site.
    pub fn codes(&self) -> Vec<String> {
        self.application.received("/cb").iter().filter_map(|received| received.parameter("code")).collect()
    }
}

/// Runs a line as it stands, and reads the JSON that it prints.
pub fn shell(line: &str, variables: &[(&str, &str)]) -> Value {
    let mut shell = Command::new("sh");
    shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
    let output = shell.args(["-euc", line]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

impl Page {
    /// Fills in the sign-in form, and sends it.
    pub async fn sign_in(&mut self) {
        self.sign_in_with(PASSWORD).await;
    }

    /// The same with a password.
    pub async fn sign_in_with(&mut self, password: &str) {
        self.replace("Username", USERNAME).await;
        self.fill("Password", password).await;
        self.follow("Sign in").await;
    }

    /// Nothing on the way broke a policy of a page, was missing, or failed.
    pub async fn walked_cleanly(&mut self) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}
