//! The cookies: one ties an authorization request to the browser that began it, one holds a session.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::secret::Secret;

/// What the browser's cookie holds: so many random bytes in base64url.
const VALUE_BYTES: usize = 32;
/// Longer than any session's value.
const MAX_SESSION_CHARACTERS: usize = 512;

/// The cookies' attributes, as the issuer's scheme allows them: until the browser is closed, for no
/// script, and for no form of another site.
#[derive(Clone, Copy)]
enum Scheme {
    /// The prefix keeps other hosts and plain http from setting the cookie.
    Https,
    /// Loopback only, as the configuration demands.
    Http,
}

impl Scheme {
    fn of_issuer(issuer: &str) -> Self {
        if issuer.starts_with("https://") { Self::Https } else { Self::Http }
    }

    fn attributes(self) -> &'static str {
        match self {
            Self::Https => "Path=/; HttpOnly; SameSite=Lax; Secure",
            Self::Http => "Path=/; HttpOnly; SameSite=Lax",
        }
    }
}

/// The cookie that tells browsers apart.
pub(super) struct BrowserCookie(Scheme);

impl BrowserCookie {
    /// As the issuer's scheme allows.
    pub fn of_issuer(issuer: &str) -> Self {
        Self(Scheme::of_issuer(issuer))
    }

    fn name(&self) -> &'static str {
        match self.0 {
            Scheme::Https => "__Host-jeton_browser",
            Scheme::Http => "jeton_browser",
        }
    }

    /// A new value.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Secret, NoEntropy> {
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(entropy.array::<VALUE_BYTES>()?)))
    }

    /// The value that the browser sent, if it is one that could have been made here.
    pub fn read(&self, headers: &HeaderMap) -> Option<Secret> {
        let made_here = |value: &str| URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == VALUE_BYTES);
        find(headers, self.name(), made_here)
    }

    /// The header that gives the browser its value, until it is closed.
    pub fn set(&self, value: &Secret) -> Option<HeaderValue> {
        header(self.name(), value.expose_secret(), self.0.attributes())
    }
}

/// The cookie of a signed-in person, one for each workspace, so that no workspace sees another's.
pub(super) struct SessionCookie(Scheme);

impl SessionCookie {
    /// As the issuer's scheme allows.
    pub fn of_issuer(issuer: &str) -> Self {
        Self(Scheme::of_issuer(issuer))
    }

    fn name(&self, workspace: &str) -> String {
        let name = match self.0 {
            Scheme::Https => "__Host-jeton_session",
            Scheme::Http => "jeton_session",
        };
        // The prefix demands Path=/, so that the name and not the path keeps workspaces apart.
        if workspace.is_empty() { name.to_owned() } else { format!("{name}.{workspace}") }
    }

    /// The value that the browser sent for a workspace.
    pub fn read(&self, headers: &HeaderMap, workspace: &str) -> Option<Secret> {
        find(headers, &self.name(workspace), session_value)
    }

    /// The header that begins a session; `None` for a value that no cookie can hold.
    pub fn set(&self, workspace: &str, value: &Secret) -> Option<HeaderValue> {
        let value = Some(value.expose_secret()).filter(|value| session_value(value))?;
        header(&self.name(workspace), value, self.0.attributes())
    }

    /// The header that makes the browser forget a session.
    pub fn clear(&self, workspace: &str) -> Option<HeaderValue> {
        header(&self.name(workspace), "", &format!("{}; Max-Age=0", self.0.attributes()))
    }
}

fn session_value(value: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    (1..=MAX_SESSION_CHARACTERS).contains(&value.len()) && value.bytes().all(allowed)
}

/// The first value of that name that is good.
fn find(headers: &HeaderMap, name: &str, good: impl Fn(&str) -> bool) -> Option<Secret> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let pairs = sent.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(sent, _)| *sent == name).map(|(_, value)| value);
    values.find(|value| good(value)).map(|value| Secret::new(value.to_owned()))
}

fn header(name: &str, value: &str, attributes: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("{name}={value}; {attributes}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::entropy::SeededEntropy;

    fn sent(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(cookie).unwrap())])
    }

    #[test]
    fn what_was_set_is_read_back() {
        for issuer in ["https://id.example.org", "http://127.0.0.1:8080"] {
            let cookie = BrowserCookie::of_issuer(issuer);
            let value = BrowserCookie::generate(&SeededEntropy::new(1)).unwrap();
            let set = cookie.set(&value).unwrap();
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let read = cookie.read(&sent(&format!("theme=dark; {pair}; lang=de"))).unwrap();
            assert_eq!(read.expose_secret(), value.expose_secret());
        }
    }

    #[test]
    fn https_makes_the_cookie_secure_and_bound_to_the_host() {
        let cookie = BrowserCookie::of_issuer("https://id.example.org");
        let set = cookie.set(&Secret::new("v".into())).unwrap();
        assert_eq!(set.to_str().unwrap(), "__Host-jeton_browser=v; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(format!("{set:?}"), "Sensitive");
    }

    #[test]
    fn a_malformed_value_counts_as_none() {
        let cookie = BrowserCookie::of_issuer("http://localhost");
        for value in ["", "short", &"A".repeat(44), &"!".repeat(43), &format!("{}B", "A".repeat(42))] {
            assert!(cookie.read(&sent(&format!("jeton_browser={value}"))).is_none(), "{value}");
        }
        assert!(cookie.read(&sent(&format!("other={}", "A".repeat(43)))).is_none());
    }

    /// M1: what one workspace's cookie holds is not sent to another's pages.
    #[test]
    fn each_workspace_has_a_session_cookie_of_its_own() {
        let cookie = SessionCookie::of_issuer("https://id.example.org");
        let set = |workspace, value: &str| cookie.set(workspace, &Secret::new(value.into())).unwrap();
        let attributes = "Path=/; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set("", "v").to_str().unwrap(), format!("__Host-jeton_session=v; {attributes}"));
        assert_eq!(set("acme", "w").to_str().unwrap(), format!("__Host-jeton_session.acme=w; {attributes}"));
        let both = sent("__Host-jeton_session=v; __Host-jeton_session.acme=w");
        assert_eq!(cookie.read(&both, "").unwrap().expose_secret(), "v");
        assert_eq!(cookie.read(&both, "acme").unwrap().expose_secret(), "w");
        assert!(cookie.read(&both, "other").is_none());
        let cleared = cookie.clear("acme").unwrap();
        assert_eq!(cleared.to_str().unwrap(), format!("__Host-jeton_session.acme=; {attributes}; Max-Age=0"));
    }

    #[test]
    fn a_session_cannot_add_attributes_to_its_cookie() {
        let cookie = SessionCookie::of_issuer("http://localhost");
        for value in ["", "a; Domain=example.org", "a b", "a\r\nb", "é", &"A".repeat(513)] {
            assert!(cookie.set("", &Secret::new(value.into())).is_none(), "{value}");
            assert!(cookie.read(&HeaderMap::new(), "").is_none());
        }
    }
}
