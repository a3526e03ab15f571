//! Services of the operator's own that jeton calls.

use std::path::Path;
use std::time::Duration;

use url::{Host, Url};
use zeroize::Zeroizing;

use crate::config::error::ConfigError;
use crate::config::reader::Reader;
use crate::types::secret::Secret;

const URI: &str = "hooks.credential_check_uri";
const TOKEN_FILE: &str = "hooks.credential_check_token_file";
const TIMEOUT: &str = "hooks.credential_check_timeout_ms";
const CA_FILE: &str = "hooks.credential_check_ca_file";

/// Where passwords are checked, and how that is asked.
#[derive(Clone, Debug)]
pub struct CredentialCheck {
    /// `https`, or `http` on loopback.
    pub uri: String,
    /// Proves jeton to the hook.
    pub token: Secret,
    /// When an answer is too late.
    pub timeout: Duration,
    /// PEM; `None` for the authorities of the system.
    pub authorities: Option<String>,
}

pub(super) fn read(reader: &Reader<'_>) -> Result<Option<CredentialCheck>, ConfigError> {
    let timeout = reader.milliseconds(TIMEOUT, &(100..=60_000))?;
    let (uri, ca_file) = (reader.text(URI)?, reader.text(CA_FILE)?);
    if uri.is_empty() {
        let lonely = [TOKEN_FILE, CA_FILE].into_iter().find(|key| reader.text(key).is_ok_and(|text| !text.is_empty()));
        return match lonely {
            Some(key) => Err(reader.refused(key, format!("is of no use without {URI}"))),
            None => Ok(None),
        };
    }
    if !safe(uri) {
        return Err(reader.refused(URI, "must be an https URI of a host and nothing else, or http on loopback"));
    }
    let authorities = if ca_file.is_empty() { None } else { Some(file(reader, CA_FILE)?.to_string()) };
    Ok(Some(CredentialCheck { uri: uri.to_owned(), token: token(reader)?, timeout, authorities }))
}

/// Passwords must not travel in clear, nor to where nobody looks.
fn safe(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let bare = url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none();
    bare && url.fragment().is_none() && (url.scheme() == "https" || url.scheme() == "http" && loopback)
}

fn token(reader: &Reader<'_>) -> Result<Secret, ConfigError> {
    if reader.text(TOKEN_FILE)?.is_empty() {
        return Err(reader.refused(TOKEN_FILE, format!("must be set beside {URI}")));
    }
    let text = file(reader, TOKEN_FILE)?;
    let token = text.trim_end_matches(['\r', '\n']);
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(reader.refused(TOKEN_FILE, "names a file that must hold printable characters without spaces"));
    }
    Ok(Secret::new(token.to_owned()))
}

fn file(reader: &Reader<'_>, key: &str) -> Result<Zeroizing<String>, ConfigError> {
    let text = std::fs::read_to_string(Path::new(reader.text(key)?));
    text.map(Zeroizing::new).map_err(|cause| reader.refused(key, format!("names a file that cannot be read: {cause}")))
}
