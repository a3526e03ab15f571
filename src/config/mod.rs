//! The settings of a server: compiled-in defaults, a file, the environment, flags; the last one counts.

pub mod error;
pub mod layers;

mod environment;
pub mod hooks;
mod issuer;
mod reader;
mod secrets;
pub mod store;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::error::ConfigError;
use crate::config::hooks::CredentialCheck;
use crate::config::layers::Layers;
use crate::config::reader::Reader;
use crate::config::store::{StoreConfig, StoreKind};
use crate::engine::settings::Settings;
use crate::types::secret::Secret;

const YEAR: i64 = 365 * 86_400;

/// What a configuration is read from, beside the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The environment; names that do not begin with `JETON_` are not looked at.
    pub environment: Vec<(OsString, OsString)>,
    /// The texts of `--set`, each `section.key=value`.
    pub flags: Vec<String>,
}

impl Sources {
    /// A file and flags, with the environment of this process.
    #[must_use]
    pub fn process(file: Option<PathBuf>, flags: Vec<String>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), flags }
    }
}

/// A configuration that was checked as a whole.
#[derive(Clone, Debug)]
pub struct Config {
    /// The default workspace's issuer, when it is set; see [`Config::issuer_at`].
    pub issuer: Option<String>,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: Listen,
    /// Who may be reached without TLS.
    pub plaintext: Plaintext,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The least characters of a new password.
    pub password_min_length: usize,
    /// What checks passwords elsewhere, when it is set.
    pub credential_check: Option<CredentialCheck>,
    /// The store.
    pub store: StoreConfig,
    /// The secrets that were supplied; the server makes those that were not.
    pub secrets: Secrets,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// The schedule of the signing keys.
    pub keys: Keys,
    /// What one caller may ask of the server.
    pub limits: Limits,
    /// Whether reflection is served.
    pub reflection: Reflection,
    /// What is logged.
    pub log: Log,
    /// Threads that serve requests; `None` for as many as there are cores.
    pub workers: Option<usize>,
    /// What an operator should hear at start.
    pub warnings: Vec<String>,
    /// Every setting as it counts.
    pub layers: Layers,
}

/// Addresses to listen on; port 0 takes any free one.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// REST.
    pub http: SocketAddr,
    /// gRPC for everybody.
    pub grpc: SocketAddr,
    /// gRPC for operators.
    pub admin: SocketAddr,
    /// Metrics and health.
    pub ops: SocketAddr,
}

/// Who may be reached without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plaintext {
    /// Only this machine.
    Loopback,
    /// Anybody: something else encrypts what leaves this machine.
    Mesh,
}

/// Supplied secrets.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// What operators present.
    pub admin_token: Option<Secret>,
    /// What seals the keys at rest.
    pub master_key: Option<Secret>,
}

/// How long things live, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Access tokens.
    pub access_token: i64,
    /// Refresh tokens that are not used.
    pub refresh_idle: i64,
    /// Grants.
    pub refresh_absolute: i64,
    /// Authorization codes.
    pub code: i64,
    /// Authorization requests that wait for a person.
    pub request: i64,
    /// Sessions of people who signed in on the pages.
    pub session: i64,
    /// Codes that a person copies from the page that shows them.
    pub shown_code: i64,
    /// How long a refresh token may be presented again when its answer was lost.
    pub refresh_retry_window: i64,
    /// How far clocks may differ.
    pub clock_skew: i64,
}

/// The schedule of the signing keys, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// How long a key is published before it signs.
    pub announce: i64,
    /// How long a key signs before its successor is announced; 0 for no schedule.
    pub rotation_interval: i64,
}

/// What one caller may ask of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest gRPC message.
    pub body_bytes: usize,
    /// Open connections of each listener.
    pub connections: usize,
    /// A request ends after so long.
    pub request_timeout: Duration,
    /// A connection that sends nothing for so long is closed.
    pub first_byte_timeout: Duration,
    /// How long requests may take to finish at shutdown.
    pub drain_timeout: Duration,
}

/// Whether `grpc.reflection.v1` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reflection {
    /// Served on both gRPC listeners.
    On,
    /// Not served.
    Off,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, else JSON.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct Log {
    /// How it looks.
    pub format: LogFormat,
    /// Levels, in the syntax of `tracing_subscriber::EnvFilter`.
    pub level: String,
}

impl Config {
    /// Reads, merges and checks every layer.
    ///
    /// # Errors
    /// The first thing that is wrong, with its key, its layer and what is allowed.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::defaults()?;
        if let Some(file) = &sources.file {
            layers.file(file)?;
        }
        let given = environment::lay(&mut layers, &sources.environment)?;
        for flag in &sources.flags {
            let (key, value) = split_flag(flag)?;
            layers.set(key, value, format!("flag --set {key}"))?;
        }
        Self::read(layers, given)
    }

    fn read(layers: Layers, given: environment::EnvironmentSecrets) -> Result<Self, ConfigError> {
        let reader = Reader(&layers);
        let mut warnings = Vec::new();
        let mut config = Self {
            issuer: read_issuer(&reader)?,
            data_dir: read_data_dir(&reader)?,
            listen: Listen {
                http: reader.address("listen.http")?,
                grpc: reader.address("listen.grpc")?,
                admin: reader.address("listen.admin")?,
                ops: reader.address("listen.ops")?,
            },
            plaintext: reader.choice("network.plaintext", &[("loopback", Plaintext::Loopback), ("mesh", Plaintext::Mesh)])?,
            trusted_proxies: reader.networks("network.trusted_proxies")?,
            password_min_length: reader.count("passwords.min_length", &(1..=64))?,
            credential_check: hooks::read(&reader)?,
            store: store::read(&reader, &mut warnings)?,
            secrets: secrets::read(&reader, given, &mut warnings)?,
            lifetimes: Lifetimes {
                access_token: reader.integer("lifetimes.access_token_seconds", &(1..=86_400))?,
                refresh_idle: reader.integer("lifetimes.refresh_idle_seconds", &(1..=YEAR))?,
                refresh_absolute: reader.integer("lifetimes.refresh_absolute_seconds", &(1..=10 * YEAR))?,
                code: reader.integer("lifetimes.code_seconds", &(1..=600))?,
                request: reader.integer("lifetimes.request_seconds", &(1..=3600))?,
                session: reader.integer("lifetimes.session_seconds", &(60..=30 * 86_400))?,
                shown_code: reader.integer("lifetimes.shown_code_seconds", &(1..=600))?,
                refresh_retry_window: reader.integer("lifetimes.refresh_retry_window_seconds", &(0..=300))?,
                clock_skew: reader.integer("lifetimes.clock_skew_seconds", &(0..=300))?,
            },
            keys: read_keys(&reader)?,
            limits: Limits {
                body_bytes: reader.count("limits.body_bytes", &(1024..=1 << 20))?,
                connections: reader.count("limits.connections", &(1..=1_000_000))?,
                request_timeout: reader.milliseconds("limits.request_timeout_ms", &(100..=300_000))?,
                first_byte_timeout: reader.milliseconds("limits.first_byte_timeout_ms", &(100..=300_000))?,
                drain_timeout: reader.milliseconds("limits.drain_timeout_ms", &(0..=300_000))?,
            },
            reflection: if reader.boolean("grpc.reflection")? { Reflection::On } else { Reflection::Off },
            log: read_log(&reader)?,
            workers: Some(reader.count("runtime.workers", &(0..=1024))?).filter(|workers| *workers > 0),
            warnings,
            layers: layers.clone(),
        };
        config.check(&reader)?;
        if matches!(config.store.kind, StoreKind::Postgres(_)) && config.secrets.admin_token.is_none() {
            config.warnings.push(
                "each replica makes an admin token of its own in its data directory; for one that all of them know, name it with \
                 secrets.admin_token_file"
                    .to_owned(),
            );
        }
        Ok(config)
    }

    /// What no setting alone can violate.
    fn check(&self, reader: &Reader<'_>) -> Result<(), ConfigError> {
        let listeners = [
            ("listen.http", self.listen.http),
            ("listen.grpc", self.listen.grpc),
            ("listen.admin", self.listen.admin),
            ("listen.ops", self.listen.ops),
        ];
        for (index, (key, address)) in listeners.iter().enumerate() {
            let twin = listeners.iter().skip(index.saturating_add(1)).find(|(_, other)| other == address);
            if let Some((other, _)) = twin.filter(|_| address.port() != 0) {
                return Err(reader.refused(key, format!("is the address of {other} too")));
            }
            if *key != "listen.ops" && self.plaintext == Plaintext::Loopback && !address.ip().is_loopback() {
                return Err(reader.refused(
                    key,
                    "would send secrets over the network without TLS; listen on a loopback address, or set \
                     network.plaintext to \"mesh\" when a sidecar or a proxy encrypts",
                ));
            }
        }
        if self.issuer.is_none() && !self.listen.http.ip().is_loopback() {
            return Err(reader.refused("issuer", "must be set when listen.http is not a loopback address"));
        }
        Ok(())
    }

    /// Checks what replicas must share, which only a server for development makes by itself.
    ///
    /// # Errors
    /// When the store is shared and the master key was not supplied.
    pub fn check_shared(&self) -> Result<(), ConfigError> {
        match (&self.store.kind, &self.secrets.master_key) {
            (StoreKind::Postgres(_), None) => Err(Reader(&self.layers).refused(
                "secrets.master_key_file",
                "must name a file when the store is PostgreSQL, or JETON_MASTER_KEY be set: the keys in the database are \
                 sealed under the master key, and all replicas need the same one; openssl rand -base64 32 makes it",
            )),
            (StoreKind::Postgres(_) | StoreKind::Sled, _) => Ok(()),
        }
    }

    /// The default workspace's issuer, when REST is served at `http`.
    #[must_use]
    pub fn issuer_at(&self, http: SocketAddr) -> String {
        self.issuer.clone().unwrap_or_else(|| format!("http://{http}"))
    }

    /// What the rules need to know.  With port 0 and no issuer set, the server puts
    /// [`Config::issuer_at`] the bound address in the place of its issuer.
    #[must_use]
    pub fn engine_settings(&self) -> Settings {
        Settings {
            issuer: self.issuer_at(self.listen.http),
            access_token_lifetime: self.lifetimes.access_token,
            refresh_idle_lifetime: self.lifetimes.refresh_idle,
            refresh_absolute_lifetime: self.lifetimes.refresh_absolute,
            code_lifetime: self.lifetimes.code,
            request_lifetime: self.lifetimes.request,
            session_lifetime: self.lifetimes.session,
            password_min_length: self.password_min_length,
            shown_code_lifetime: self.lifetimes.shown_code,
            refresh_retry_window: self.lifetimes.refresh_retry_window,
            clock_skew: self.lifetimes.clock_skew,
            key_announce: self.keys.announce,
            key_rotation_interval: self.keys.rotation_interval,
            staleness: self.store.staleness,
        }
    }
}

/// The key and the value of a `--set`.  What is no key is not repeated: it may be a value, and a secret.
fn split_flag(flag: &str) -> Result<(&str, &str), ConfigError> {
    let of_key = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let end = flag.find(|c| !of_key(c)).unwrap_or(flag.len());
    let (key, rest) = flag.split_at_checked(end).unwrap_or((flag, ""));
    rest.strip_prefix('=').map(|value| (key, value)).ok_or_else(|| ConfigError::Flag { flag: key.to_owned() })
}

fn read_issuer(reader: &Reader<'_>) -> Result<Option<String>, ConfigError> {
    let issuer = reader.text("issuer")?;
    if issuer.is_empty() {
        return Ok(None);
    }
    issuer::check(issuer).map_err(|problem| reader.refused("issuer", problem))?;
    Ok(Some(issuer.to_owned()))
}

fn read_data_dir(reader: &Reader<'_>) -> Result<PathBuf, ConfigError> {
    let path = reader.text("data_dir")?;
    if path.is_empty() {
        return Err(reader.refused("data_dir", "must be the path of a directory"));
    }
    Ok(path.into())
}

fn read_keys(reader: &Reader<'_>) -> Result<Keys, ConfigError> {
    let announce = reader.integer("keys.announce_seconds", &(0..=7 * 86_400))?;
    let rotation_interval = reader.integer("keys.rotation_interval_seconds", &(0..=10 * YEAR))?;
    if rotation_interval != 0 && (rotation_interval < 60 || rotation_interval <= announce) {
        return Err(
            reader.refused("keys.rotation_interval_seconds", "must be 0, or at least 60 and longer than keys.announce_seconds")
        );
    }
    Ok(Keys { announce, rotation_interval })
}

fn read_log(reader: &Reader<'_>) -> Result<Log, ConfigError> {
    let format =
        reader.choice("log.format", &[("auto", LogFormat::Auto), ("pretty", LogFormat::Pretty), ("json", LogFormat::Json)])?;
    let level = reader.text("log.level")?;
    tracing_subscriber::EnvFilter::try_new(level).map_err(|_| {
        reader.refused("log.level", "must be a level (error, warn, info, debug, trace) or a list such as \"info,sled=warn\"")
    })?;
    Ok(Log { format, level: level.to_owned() })
}
