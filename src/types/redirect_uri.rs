//! Redirect URIs: parsed once, at registration; afterwards compared as exact strings
//! (RFC 9700 section 2.1), with the loopback exception of RFC 8252 section 7.3.

use std::fmt;
use std::net::Ipv4Addr;

use url::{Host, Url};

use crate::types::client::ApplicationType;

/// The most bytes of a redirect URI.
pub const MAX_BYTES: usize = 1024;

/// A redirect URI that a client registered, or one that was found equal to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedirectUri(Box<str>);

/// A redirect URI that must not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRedirectUri {
    /// It is no absolute URI, or is written in a form that parsers disagree about.
    #[error("a redirect URI must be an absolute URI of at most 1024 printable ASCII characters, in its normal form")]
    Form,
    /// RFC 6749 section 3.1.2.
    #[error("a redirect URI must not have a fragment")]
    Fragment,
    /// A name before an `@` makes a host look like another.
    #[error("a redirect URI must not have user information")]
    UserInformation,
    /// RFC 9700 section 2.6: `http` only on loopback.
    #[error("a redirect URI must be https, or http on 127.0.0.1, [::1] or localhost")]
    Insecure,
    /// RFC 8252 section 7.1.
    #[error("only a native application may have a private-use scheme, and it must contain a dot, like com.example.app:/callback")]
    Scheme,
}

impl RedirectUri {
    /// Checks a redirect URI for registration.
    ///
    /// # Errors
    /// When it could lead a code or a person astray, or is written in a form that two parsers could
    /// read in two ways.
    pub fn register(text: &str, application: ApplicationType) -> Result<Self, RefusedRedirectUri> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'`'));
        if text.is_empty() || text.len() > MAX_BYTES || !printable {
            return Err(RefusedRedirectUri::Form);
        }
        if text.contains('#') {
            return Err(RefusedRedirectUri::Fragment);
        }
        let url = Url::parse(text).map_err(|_| RefusedRedirectUri::Form)?;
        if !url.username().is_empty() || url.password().is_some() || authority_of(text).contains('@') {
            return Err(RefusedRedirectUri::UserInformation);
        }
        match url.scheme() {
            "https" if url.host().is_some() => {}
            "http" if loopback(&url) => {}
            "http" => return Err(RefusedRedirectUri::Insecure),
            // A dot keeps out javascript:, data:, file: and every other scheme of the browser's own.
            scheme if application == ApplicationType::Native && scheme.contains('.') => {}
            _ => return Err(RefusedRedirectUri::Scheme),
        }
        // What a parser would rewrite (upper-case hosts, `..` segments, a default port) another may
        // read differently; without a path the parser adds "/", which is harmless.
        let normal = url.as_str();
        if normal != text && normal.strip_suffix('/') != Some(text) {
            return Err(RefusedRedirectUri::Form);
        }
        Ok(Self(text.into()))
    }

    /// Takes a URI that was registered before, as it was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// Whether `presented` is this URI: byte for byte, or differing in the port alone when a native
    /// application registered a loopback address (RFC 8252 section 7.3).
    #[must_use]
    pub fn admits(&self, presented: &str, application: ApplicationType) -> bool {
        if &*self.0 == presented {
            return true;
        }
        if application != ApplicationType::Native {
            return false;
        }
        match (split_loopback_port(&self.0), split_loopback_port(presented)) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => false,
        }
    }

    /// The URI itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn authority_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// A loopback address and what follows its port, when `text` is one with only digits as port.
fn split_loopback_port(text: &str) -> Option<(&'static str, &str)> {
    // Literals only: `localhost` may resolve to another machine (RFC 8252 section 8.3).
    ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|origin| {
        let rest = text.strip_prefix(origin)?;
        let Some(after_colon) = rest.strip_prefix(':') else {
            return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((origin, rest));
        };
        let digits = after_colon.bytes().take_while(u8::is_ascii_digit).count();
        let (port, tail) = after_colon.split_at(digits);
        let good = port.parse::<u16>().is_ok() && (tail.is_empty() || tail.starts_with(['/', '?']));
        good.then_some((origin, tail))
    })
}
