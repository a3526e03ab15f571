//! Replicas: processes with one database, one master key and one admin token, and nothing else in common.

use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::server::{Callers, Server, Site, Starting, start};
use crate::support::postgres::Database;

/// 32 bytes in base64.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ADMIN_TOKEN: &str = "an-admin-token-of-the-tests-of-replicas";

/// What a deployment gives to each of its replicas.
pub struct Fleet {
    url: String,
    settings: Vec<String>,
}

impl Fleet {
    /// Replicas of a database.
    pub fn of(database: &Database) -> Self {
        Self::at(database.url())
    }

    /// Replicas of a database behind a URL.
    pub fn at(url: String) -> Self {
        // The issuer is that of all, wherever each one listens.
        Self { url, settings: vec!["issuer=http://127.0.0.1:8080".to_owned(), "log.level=warn".to_owned()] }
    }

    /// The same with another setting.
    pub fn set(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Starts one more replica, and waits until it serves.
    pub fn replica(&self) -> Replica {
        let (site, starting) = self.begin();
        Replica { server: starting.ready(), site }
    }

    /// Starts one more replica, and waits for nothing.
    pub fn begin(&self) -> (Site, Starting) {
        let site = Site::new();
        let mut arguments = vec!["serve", "--output", "json"];
        arguments.extend(self.settings.iter().flat_map(|setting| ["--set", setting]));
        let mut command = site.command(&arguments);
        command.env("JETON_STORE", &self.url).env("JETON_MASTER_KEY", MASTER_KEY).env("JETON_ADMIN_TOKEN", ADMIN_TOKEN);
        let starting = start(command, &site.file("log"));
        (site, starting)
    }
}

/// One process, and the directory that nobody else has.
pub struct Replica {
    pub server: Server,
    site: Site,
}

impl Deref for Replica {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Replica {
    /// A replica that was begun, when it serves.
    pub fn ready((site, starting): (Site, Starting)) -> Self {
        Self { server: starting.ready(), site }
    }

    /// The gRPC services of this replica.
    pub async fn callers(&self) -> Callers {
        Callers::with_token(ADMIN_TOKEN, &self.server).await
    }

    /// Runs a command against this replica, which succeeds, and reads its one JSON value.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut command = self.site.command(&[arguments, &["--output", "json"]].concat());
        // What else the environment says is for a server; a command finds the addresses in the data directory.
        for listener in ["HTTP", "GRPC", "ADMIN", "OPS"] {
            command.env_remove(format!("JETON_{listener}_ADDR"));
        }
        let output = command.env("JETON_ADMIN_TOKEN", ADMIN_TOKEN).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Makes a client that asks for tokens for itself.
    pub fn client(&self) -> Machine {
        let create = ["client", "create", "--name", "a", "--grant-type", "client_credentials", "--scope", "read"];
        let created = self.json(&create);
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        Machine { id: text("client_id"), secret: text("client_secret") }
    }

    /// The public keys that it announces.
    pub async fn jwks(&self) -> Value {
        reqwest::get(self.http("/oauth2/jwks")).await.unwrap().json().await.unwrap()
    }

    /// What the probe of readiness says.
    pub async fn readiness(&self) -> u16 {
        reqwest::get(self.ops("/readyz")).await.unwrap().status().as_u16()
    }
}

/// A client that asks for tokens for itself.
pub struct Machine {
    pub id: String,
    secret: String,
}

impl Machine {
    /// A request for a token (RFC 6749 section 4.4.2).
    pub fn request(&self, http: &reqwest::Client, url: &str) -> reqwest::RequestBuilder {
        http.post(url).basic_auth(&self.id, Some(&self.secret)).form(&[("grant_type", "client_credentials")])
    }

    /// Asks for a token: the status, and the body.
    pub async fn ask(&self, replica: &Replica) -> (u16, Value) {
        let request = self.request(&reqwest::Client::new(), &replica.http("/oauth2/token"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A token, where nothing else may happen.
    pub async fn token(&self, replica: &Replica) -> String {
        let (status, body) = self.ask(replica).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }
}

/// Looks again until it is so; how long that took.
pub async fn until(what: &str, limit: Duration, mut so: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}
