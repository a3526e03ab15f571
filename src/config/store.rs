//! Which store, and how it is reached.

use std::time::Duration;

use crate::config::error::ConfigError;
use crate::config::hooks::{CERTIFICATES, holds_certificates};
use crate::config::reader::Reader;
use crate::store::postgres::url::DatabaseUrl;
use crate::types::secret::Secret;

const KIND: &str = "store.kind";
const PASSWORD_FILE: &str = "store.password_file";
const CA_FILE: &str = "store.ca_file";

/// The store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Which one.
    pub kind: StoreKind,
    /// How much memory the embedded store's cache may use.
    pub cache_bytes: u64,
    /// Below so much free space nothing new is issued.
    pub min_free_bytes: u64,
    /// How old what is in memory may be where other replicas change the store too.
    pub staleness: Duration,
}

/// Where grants, clients and keys are stored.
#[derive(Clone, Debug)]
pub enum StoreKind {
    /// In a database that replicas share.
    Postgres(PostgresConfig),
    /// Embedded, in the data directory.
    Sled,
}

/// How the shared store is reached.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// As it was given; a password may stand in it.
    pub url: Secret,
    /// The URL with its password hidden, for people.
    pub shown: String,
    /// From a file, in place of one in the URL.
    pub password: Option<Secret>,
    /// PEM; `None` for the authorities of the system.
    pub authorities: Option<String>,
    /// How many connections carry the operations.
    pub connections: usize,
    /// The longest that an operation may take.
    pub timeout: Duration,
}

pub(super) fn read(reader: &Reader<'_>, warnings: &mut Vec<String>) -> Result<StoreConfig, ConfigError> {
    Ok(StoreConfig {
        kind: read_kind(reader, warnings)?,
        cache_bytes: reader.count("store.cache_bytes", &(1 << 20..=1 << 40))?,
        min_free_bytes: reader.count("store.min_free_bytes", &(0..=1 << 50))?,
        staleness: reader.count("store.staleness_seconds", &(1..=60)).map(Duration::from_secs)?,
    })
}

fn read_kind(reader: &Reader<'_>, warnings: &mut Vec<String>) -> Result<StoreKind, ConfigError> {
    let connections = reader.count("store.connections", &(2..=64))?;
    let timeout = reader.milliseconds("store.timeout_ms", &(100..=60_000))?;
    let set = |key: &str| reader.text(key).map(|text| !text.is_empty());
    let Some(url) = reader.database_url() else {
        return match [PASSWORD_FILE, CA_FILE].into_iter().find(|key| set(key).unwrap_or(false)) {
            Some(key) => Err(reader.refused(key, format!("is of no use without a postgres:// URL in {KIND}"))),
            None => Ok(StoreKind::Sled),
        };
    };
    let text = url.expose_secret();
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(reader.refused(KIND, "must be \"sled\", or a URL that begins with postgres://"));
    }
    let parsed = DatabaseUrl::parse(url).map_err(|problem| reader.refused(KIND, problem))?;
    let password = if set(PASSWORD_FILE)? { Some(read_password(reader, &parsed)?) } else { None };
    let authorities = if set(CA_FILE)? { Some(read_authorities(reader, &parsed)?) } else { None };
    let place = reader.layer(KIND);
    if parsed.has_password() {
        warnings.push(format!(
            "{KIND} ({place}) holds the password of the database where others may read it; a file named by {PASSWORD_FILE} is \
             safer"
        ));
    }
    if parsed.plain_text() {
        warnings.push(format!(
            "{KIND} ({place}) says sslmode=disable: what is sent to the database can be read and changed on the way, unless \
             something else encrypts it"
        ));
    }
    Ok(StoreKind::Postgres(PostgresConfig {
        url: url.clone(),
        shown: parsed.masked().to_owned(),
        password,
        authorities,
        connections,
        timeout,
    }))
}

fn read_password(reader: &Reader<'_>, url: &DatabaseUrl) -> Result<Secret, ConfigError> {
    if url.has_password() {
        return Err(reader.refused(PASSWORD_FILE, format!("is set beside a password in {KIND}; leave one of them out")));
    }
    let password = reader.secret_file(PASSWORD_FILE)?;
    if password.is_empty() {
        return Err(reader.refused(PASSWORD_FILE, "names a file that is empty"));
    }
    Ok(password)
}

fn read_authorities(reader: &Reader<'_>, url: &DatabaseUrl) -> Result<String, ConfigError> {
    if url.names_authorities() {
        return Err(reader.refused(CA_FILE, format!("is set beside sslrootcert in {KIND}; leave one of them out")));
    }
    let pem = reader.file(CA_FILE)?;
    if holds_certificates(&pem) { Ok(pem.to_string()) } else { Err(reader.refused(CA_FILE, CERTIFICATES)) }
}
