//! The cookie that ties an authorization request to the browser that began it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::secret::Secret;

/// What the cookie holds: so many random bytes in base64url.
const VALUE_BYTES: usize = 32;

/// The cookie's name and attributes, as the issuer's scheme allows them.
pub(super) struct BrowserCookie {
    name: &'static str,
    attributes: &'static str,
}

impl BrowserCookie {
    /// Under https the prefix keeps other hosts and plain http from setting the cookie.
    pub fn of_issuer(issuer: &str) -> Self {
        if issuer.starts_with("https://") {
            Self { name: "__Host-jeton_browser", attributes: "Path=/; HttpOnly; SameSite=Lax; Secure" }
        } else {
            Self { name: "jeton_browser", attributes: "Path=/; HttpOnly; SameSite=Lax" }
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
        let sent = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let pairs = sent.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name).map(|(_, value)| value);
        let value = values.find(|value| URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == VALUE_BYTES))?;
        Some(Secret::new(value.to_owned()))
    }

    /// The header that gives the browser its value, until it is closed.
    pub fn set(&self, value: &Secret) -> Option<HeaderValue> {
        let text = format!("{}={}; {}", self.name, value.expose_secret(), self.attributes);
        let mut header = HeaderValue::try_from(text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
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
}
