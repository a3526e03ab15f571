//! Services of the operator's own that jeton calls.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use crate::config::error::ConfigError;
use crate::config::reader::Reader;
use crate::types::secret::Secret;

const URI: &str = "hooks.credential_check_uri";
const TOKEN_FILE: &str = "hooks.credential_check_token_file";
const TIMEOUT: &str = "hooks.credential_check_timeout_ms";
const CA_FILE: &str = "hooks.credential_check_ca_file";

/// What a file of authorities must be.
pub(super) const CERTIFICATES: &str =
    "names a file that must hold certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";

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
    let authorities = if ca_file.is_empty() { None } else { Some(authorities(reader)?) };
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
    let token = reader.secret_file(TOKEN_FILE)?;
    if token.is_empty() || !token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(reader.refused(TOKEN_FILE, "names a file that must hold printable characters without spaces"));
    }
    Ok(token)
}

fn authorities(reader: &Reader<'_>) -> Result<String, ConfigError> {
    let pem = reader.file(CA_FILE)?;
    if holds_certificates(&pem) { Ok(pem.to_string()) } else { Err(reader.refused(CA_FILE, CERTIFICATES)) }
}

/// Whether a text has a certificate, and none that is cut off.  The library that connects leaves out what it cannot
/// read, so that a slip here would show as a hook that never answers.
pub(super) fn holds_certificates(pem: &str) -> bool {
    let mut blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1).peekable();
    let whole = |block: &str| {
        let text: Option<String> =
            block.split_once("-----END CERTIFICATE-----").map(|(text, _)| text.split_whitespace().collect());
        text.and_then(|text| STANDARD.decode(text).ok()).is_some_and(|der| is_one_sequence(&der))
    };
    blocks.peek().is_some() && blocks.all(whole)
}

/// Whether bytes are one SEQUENCE of DER (ITU-T X.690 section 8.1) and nothing after it, as certificates are.
fn is_one_sequence(der: &[u8]) -> bool {
    let (length, rest) = match der {
        [0x30, 0x81, a, rest @ ..] => (usize::from(*a), rest),
        [0x30, 0x82, a, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        [0x30, a @ ..=0x7f, rest @ ..] => (usize::from(*a), rest),
        _ => return false,
    };
    length > 0 && rest.len() == length
}
