//! A server as an operator sets it up with the commands, and a shell for the vendors' command lines.

use std::io::Write;
use std::process::{Command, Stdio};

use jeton::pb::admin::v1::scope_service_client::ScopeServiceClient;
use jeton::pb::admin::v1::{Scope, SetScopeRequest};
use serde_json::Value;

use crate::binary::server::{Outcome, Server, Site};
use crate::support::server::with_authorization;

/// Who signs in.
pub const USERNAME: &str = "davide";
/// With what.
pub const PASSWORD: &str = "correct horse battery staple";

/// A server, set up by commands alone.
pub struct Vendor {
    site: Site,
    pub server: Server,
}

/// A client as its developer has it.
#[derive(Clone, Debug)]
pub struct Application {
    pub id: String,
    pub secret: String,
}

/// What curl got.
#[derive(Clone, Debug)]
pub struct Curled {
    pub status: u16,
    /// How often curl was sent elsewhere.
    pub redirects: u32,
    pub json: Value,
    pub body: String,
}

impl Vendor {
    /// A server with one person.
    pub fn start() -> Self {
        let vendor = Self::start_with(&[]);
        vendor.user("", USERNAME, PASSWORD);
        vendor
    }

    /// A server with nobody, started with more arguments.
    pub fn start_with(arguments: &[&str]) -> Self {
        let site = Site::new();
        let server = site.serve(arguments);
        Self { site, server }
    }

    /// The scheme, host and port that stand in place of the vendor's.
    pub fn host(&self) -> String {
        self.server.http("")
    }

    /// Runs a command that an operator types.
    pub fn jeton(&self, arguments: &[&str]) -> Value {
        self.site.json(arguments)
    }

    /// Runs a command that may be refused.
    pub fn try_jeton(&self, arguments: &[&str]) -> Outcome {
        self.site.run(&[arguments, &["--output", "json"]].concat())
    }

    /// Creates a client.
    pub fn client(&self, arguments: &[&str]) -> Application {
        let client = self.jeton(&[&["client", "create", "--name", "My CLI Script"], arguments].concat());
        let text = |member: &str| client[member].as_str().unwrap_or_default().to_owned();
        Application { id: text("client_id"), secret: text("client_secret") }
    }

    /// Creates a person; the password goes in by stdin, where no list of processes shows it.
    pub fn user(&self, workspace: &str, username: &str, password: &str) {
        let arguments = ["user", "create", "--username", username, "--password-stdin", "--workspace", workspace];
        let mut command = self.site.command(&[&arguments[..], &["--output", "json"]].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // A command that refuses its arguments reads nothing; its output says so.
        let _ = process.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes());
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains(password));
    }

    /// Runs lines as they are printed in a vendor's description, with these variables; the answer's
    /// status is written behind its body, which the lines themselves do not ask for.
    pub fn shell(&self, lines: &str, variables: &[(&str, &str)]) -> Curled {
        let configuration = "silent\nshow-error\nwrite-out = \"\\n%{http_code} %{num_redirects}\"\n";
        std::fs::write(self.site.file(".curlrc"), configuration).unwrap();
        let mut shell = Command::new("sh");
        shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("CURL_HOME", self.site.file(""));
        shell.env("HOST", self.host()).envs(variables.iter().copied()).arg("-euc").arg(lines);
        let output = shell.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{lines}\n{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let (body, written) = printed.rsplit_once('\n').unwrap();
        let (status, redirects) = written.split_once(' ').unwrap();
        Curled {
            status: status.parse().unwrap(),
            redirects: redirects.parse().unwrap(),
            json: serde_json::from_str(body).unwrap_or(Value::Null),
            body: body.to_owned(),
        }
    }

    /// Says in words what a scope allows.
    pub async fn describe_scope(&self, name: &str, description: &str) {
        let scope = Scope { name: name.to_owned(), description: description.to_owned(), restricted: false };
        let mut service = ScopeServiceClient::new(self.server.channel("admin").await);
        let request = SetScopeRequest { workspace: String::new(), scope: Some(scope) };
        service.set_scope(self.as_admin(request)).await.unwrap();
    }

    fn as_admin<T>(&self, message: T) -> tonic::Request<T> {
        with_authorization(message, &format!("Bearer {}", self.site.admin_token()))
    }

    /// What an API asks before it serves: the answer about a token.
    pub fn introspect(&self, workspace: &str, application: &Application, token: &str) -> Value {
        let path = if workspace.is_empty() { String::new() } else { format!("/{workspace}") };
        let line = r#"curl --user "$CLIENT_ID:$CLIENT_SECRET" --data "token=$TOKEN" "$HOST$PREFIX/oauth2/introspect""#;
        let variables = [("TOKEN", token), ("PREFIX", &path)];
        let answer = self.shell(line, &[&application.variables()[..], &variables].concat());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }
}

impl Application {
    /// As the descriptions name them.
    pub fn variables(&self) -> [(&str, &str); 2] {
        [("CLIENT_ID", &self.id), ("CLIENT_SECRET", &self.secret)]
    }
}

impl Curled {
    /// A member of a successful answer.
    pub fn text(&self, member: &str) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.body)).to_owned()
    }

    /// The names of the answer's members, sorted.
    pub fn members(&self) -> Vec<&str> {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json.as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// The status and the error code.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.json["error"].as_str().unwrap_or_default())
    }
}

/// Whether a value can be pasted into a shell or a URL as it stands.
pub fn pastes_as_it_stands(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
