//! The URL of a database, as libpq writes it, and what jeton makes of it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::types::secret::Secret;

/// The parameters that may stand behind the question mark.
const PARAMETERS: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "password",
    "port",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;
/// What was sent and is not acknowledged for so long was sent to nobody.
const USER_TIMEOUT: Duration = Duration::from_secs(5);

/// A URL that was taken apart.  Its refusals and its `Debug` never show the password.
pub struct DatabaseUrl {
    /// Where the database may be, in the order in which to look.
    pub(super) places: Vec<Place>,
    /// Whose certificates are accepted, when the URL says so.
    pub(super) authorities: Option<Authorities>,
    masked: String,
    password: bool,
}

/// Whose certificates are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authorities {
    /// Those that the system trusts.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

/// One server that may be the right one.
pub(super) struct Place {
    /// How to connect; without an address when the name must be looked up first.
    pub(super) config: Config,
    /// The name or the address, which the certificate must be for; `None` for a socket of this machine.
    pub(super) host: Option<String>,
    /// Whether the address is known already.
    pub(super) resolved: bool,
    pub(super) port: u16,
}

impl DatabaseUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// What is wrong with it and how it is written right, to stand behind the name of the setting.
    pub fn parse(url: &Secret) -> Result<Self, String> {
        let parts = split(url.expose_secret())?;
        let (mut rest, mut shown, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tls, mut authorities) = (None, None);
        for raw in parts.query.split('&').filter(|raw| !raw.is_empty()) {
            let (key, value) = decode(raw);
            let Some(key) = PARAMETERS.iter().find(|known| **known == key) else {
                return Err(format!("has a parameter that is not one of {}", PARAMETERS.join(", ")));
            };
            if seen.contains(key) {
                return Err(format!("has {key} twice"));
            }
            seen.push(key);
            shown.push(if *key == "password" { "password=***" } else { raw });
            match *key {
                "sslmode" => tls = Some(read_ssl_mode(&value)?),
                "sslrootcert" if value == "system" => authorities = Some(Authorities::System),
                "sslrootcert" => authorities = Some(Authorities::File(value.into())),
                "target_session_attrs" if value == "primary" => rest.push("target_session_attrs=read-write"),
                "host" | "hostaddr" | "port" if !parts.hosts.is_empty() => {
                    return Err(format!("names its hosts twice: before the database and as {key}"));
                }
                _ => rest.push(raw),
            }
        }
        let plain = format!("{}{}?{}", parts.scheme, parts.before, rest.join("&"));
        let config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
            // Names an option, never a value.
            let cause = error.into_source().map(|cause| cause.to_string()).unwrap_or_default();
            format!("cannot be used: {cause}")
        })?;
        if config.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
            return Err("has target_session_attrs=read-only, but jeton writes: leave it out".to_owned());
        }
        Ok(Self {
            places: places(&config, &seen, tls)?,
            authorities,
            password: config.get_password().is_some(),
            masked: parts.masked(&shown),
        })
    }

    /// The URL with its password hidden.
    #[must_use]
    pub fn masked(&self) -> &str {
        &self.masked
    }

    /// Whether a password stands in it.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password
    }

    /// Whether it says whose certificates are accepted.
    #[must_use]
    pub fn names_authorities(&self) -> bool {
        self.authorities.is_some()
    }

    /// Whether something leaves this machine unencrypted.
    #[must_use]
    pub fn plain_text(&self) -> bool {
        self.places.iter().any(|place| !place.secure() && !place.local())
    }

    /// Whether a certificate must be checked.
    pub(super) fn secure(&self) -> bool {
        self.places.iter().any(Place::secure)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.masked).finish()
    }
}

/// The URL with its password hidden, or next to nothing of it when it cannot be told where the password is.
#[must_use]
pub fn mask(url: &str) -> String {
    DatabaseUrl::parse(&Secret::new(url.to_owned())).map_or_else(|_| "postgres://***".to_owned(), |url| url.masked)
}

impl Place {
    /// Whether it is spoken to over TLS.
    pub(super) fn secure(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    fn local(&self) -> bool {
        let addresses = self.config.get_hostaddrs();
        self.host.as_deref().is_none_or(|host| is_local(host, addresses.first()))
    }
}

/// What stands where in a URL.
struct Parts<'a> {
    scheme: &'a str,
    /// All between the scheme and the question mark.
    before: &'a str,
    /// With the `@`, when there is one.
    user: Option<&'a str>,
    password: bool,
    hosts: &'a str,
    path: Option<&'a str>,
    query: &'a str,
}

impl Parts<'_> {
    fn masked(&self, query: &[&str]) -> String {
        let mut text = self.scheme.to_owned();
        if let Some(user) = self.user {
            let password = if self.password { ":***" } else { "" };
            text = format!("{text}{user}{password}@");
        }
        text.push_str(self.hosts);
        text.extend(self.path.map(|path| format!("/{path}")));
        if query.is_empty() { text } else { format!("{text}?{}", query.join("&")) }
    }
}

/// Splits as RFC 3986 does, so that no part of a password is ever taken for a host.
fn split(url: &str) -> Result<Parts<'_>, String> {
    let start = ["postgres://", "postgresql://"].iter().find(|scheme| url.starts_with(**scheme)).map(|scheme| scheme.len());
    let Some((scheme, rest)) = start.and_then(|start| url.split_at_checked(start)) else {
        return Err("must be a URL that begins with postgres://".to_owned());
    };
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = before.split_once('/').map_or((before, None), |(authority, path)| (authority, Some(path)));
    let ats = rest.matches('@').count();
    if ats > 1 || ats != authority.matches('@').count() {
        return Err("has an @ too many: within its parts @ is written %40, / is %2F and ? is %3F".to_owned());
    }
    let (credentials, hosts) =
        authority.split_once('@').map_or((None, authority), |(credentials, hosts)| (Some(credentials), hosts));
    let user = credentials.map(|credentials| credentials.split(':').next().unwrap_or_default());
    let password = credentials.is_some_and(|credentials| credentials.contains(':'));
    Ok(Parts { scheme, before, user, password, hosts, path, query })
}

/// A parameter's name and value.  Unlike in a form, a plus is a plus.
fn decode(raw: &str) -> (String, String) {
    let exact = raw.replace('+', "%2B");
    form_urlencoded::parse(exact.as_bytes()).next().map(|(key, value)| (key.into(), value.into())).unwrap_or_default()
}

fn read_ssl_mode(value: &str) -> Result<SslMode, String> {
    match value {
        "disable" => Ok(SslMode::Disable),
        // What libpq's lesser modes leave out, the chain or the name, is always checked.
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        "allow" | "prefer" => {
            Err("has an sslmode that falls back to plain text without a word: use verify-full, or disable on a network \
                 where nobody can listen"
                .to_owned())
        }
        _ => Err("must have the sslmode disable, require, verify-ca or verify-full".to_owned()),
    }
}

fn places(config: &Config, named: &[&str], tls: Option<SslMode>) -> Result<Vec<Place>, String> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err("names no host, for example postgres://jeton@db.example.com/jeton".to_owned());
    }
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() || ports.len() > 1 && ports.len() != count {
        return Err("must have as many of host, hostaddr and port, or one port for all".to_owned());
    }
    let base = base(config, named);
    let place = |at: usize| {
        let address = addresses.get(at);
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        let mut config = base.clone();
        config.port(port);
        let host = match (hosts.get(at), address) {
            (Some(Host::Unix(path)), _) => {
                config.host_path(path).ssl_mode(SslMode::Disable);
                return Ok(Place { config, host: None, resolved: true, port });
            }
            (Some(Host::Tcp(name)), _) if name.is_empty() => return Err("names an empty host".to_owned()),
            (Some(Host::Tcp(name)), _) => name.clone(),
            (None, Some(address)) => address.to_string(),
            (None, None) => return Err("names an empty host".to_owned()),
        };
        let unsaid = if is_local(&host, address) { SslMode::Disable } else { SslMode::Require };
        config.host(&host).ssl_mode(tls.unwrap_or(unsaid));
        address.into_iter().for_each(|address| {
            config.hostaddr(*address);
        });
        Ok(Place { config, host: Some(host), resolved: address.is_some(), port })
    };
    (0..count).map(place).collect()
}

/// Whether it is this machine, where nobody can listen in between.
fn is_local(host: &str, address: Option<&IpAddr>) -> bool {
    match address.copied().or_else(|| host.parse().ok()) {
        Some(address) => address.is_loopback(),
        None => host == "localhost",
    }
}

/// What holds for every host: what the URL says, and what jeton does where it says nothing.
fn base(url: &Config, named: &[&str]) -> Config {
    let says = |key: &str| named.contains(&key);
    let mut config = Config::new();
    url.get_user().into_iter().for_each(|user| {
        config.user(user);
    });
    url.get_password().into_iter().for_each(|password| {
        config.password(password);
    });
    url.get_dbname().into_iter().for_each(|name| {
        config.dbname(name);
    });
    url.get_options().into_iter().for_each(|options| {
        config.options(options);
    });
    let attributes = if says("target_session_attrs") { url.get_target_session_attrs() } else { TargetSessionAttrs::ReadWrite };
    let idle = if says("keepalives_idle") { url.get_keepalives_idle() } else { KEEPALIVE_IDLE };
    config
        .application_name(url.get_application_name().unwrap_or("jeton"))
        .ssl_negotiation(url.get_ssl_negotiation())
        .channel_binding(url.get_channel_binding())
        .target_session_attrs(attributes)
        .connect_timeout(url.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT))
        .tcp_user_timeout(USER_TIMEOUT)
        .keepalives(url.get_keepalives())
        .keepalives_idle(idle)
        .keepalives_interval(url.get_keepalives_interval().unwrap_or(KEEPALIVE_INTERVAL))
        .keepalives_retries(KEEPALIVE_RETRIES);
    config
}
