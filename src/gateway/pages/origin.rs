//! Which posted forms come from our own pages (threat J2), as far as the browser itself says so.

use http::HeaderMap;
use http::header::ORIGIN;
use url::Url;

/// Where the gateway is reached: from the issuer alone, never from a header.
pub(in crate::gateway) struct Site {
    origin: String,
    /// What a proxy puts before every path; empty for nothing.
    path: String,
    issuer: String,
}

impl Site {
    /// That of the default workspace's issuer.
    pub fn of_issuer(issuer: &str) -> Self {
        let issuer = issuer.trim_end_matches('/').to_owned();
        match Url::parse(&issuer) {
            Ok(url) => {
                Self { origin: url.origin().ascii_serialization(), path: url.path().trim_end_matches('/').to_owned(), issuer }
            }
            // Cannot happen: the configuration was checked.  Then no origin is ours.
            Err(_) => Self { origin: String::new(), path: String::new(), issuer },
        }
    }

    /// The path before a workspace's paths.
    pub fn base(&self, workspace: &str) -> String {
        if workspace.is_empty() { self.path.clone() } else { format!("{}/{workspace}", self.path) }
    }

    /// A workspace's issuer.
    pub fn issuer(&self, workspace: &str) -> String {
        if workspace.is_empty() { self.issuer.clone() } else { format!("{}/{workspace}", self.issuer) }
    }

    /// Whether a page of ours can have sent the form.
    ///
    /// Our pages ask for no referrer, and then a browser sends `Origin: null` (Fetch standard, "append
    /// a request Origin header"); so that counts only where the browser adds that the origin is the same.
    pub fn sent(&self, headers: &HeaderMap) -> bool {
        let mut sites = headers.get_all("sec-fetch-site").iter();
        let site = sites.next().map(http::HeaderValue::as_bytes);
        if site == Some(b"cross-site") || sites.next().is_some() {
            return false;
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next().map(http::HeaderValue::as_bytes), origins.next()) {
            (None, None) => true,
            (Some(b"null"), None) => site == Some(b"same-origin"),
            (Some(origin), None) => origin == self.origin.as_bytes(),
            (_, Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn sent(headers: &[(&'static str, &'static str)]) -> bool {
        let pairs = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            map.append(name, value);
        });
        Site::of_issuer("https://id.example/auth").sent(&map)
    }

    #[test]
    fn our_own_pages_may_send_forms() {
        assert!(sent(&[]));
        assert!(sent(&[("origin", "https://id.example")]));
        assert!(sent(&[("origin", "https://id.example"), ("sec-fetch-site", "same-origin")]));
        assert!(sent(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
    }

    /// J2: another site, a frame in a sandbox, and headers that two readers read in two ways.
    #[test]
    fn nobody_else_may() {
        assert!(!sent(&[("origin", "https://evil.example")]));
        assert!(!sent(&[("origin", "http://id.example")]));
        assert!(!sent(&[("origin", "https://id.example.evil.example")]));
        assert!(!sent(&[("origin", "null")]));
        assert!(!sent(&[("origin", "null"), ("sec-fetch-site", "cross-site")]));
        assert!(!sent(&[("sec-fetch-site", "cross-site")]));
        assert!(!sent(&[("origin", "https://id.example"), ("sec-fetch-site", "cross-site")]));
        assert!(!sent(&[("origin", "https://id.example"), ("origin", "https://evil.example")]));
        assert!(!sent(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn paths_begin_with_those_of_the_issuer() {
        let site = Site::of_issuer("https://id.example/auth");
        assert_eq!((site.base(""), site.base("acme")), ("/auth".into(), "/auth/acme".into()));
        assert_eq!(Site::of_issuer("https://id.example").base(""), "");
        assert_eq!(site.issuer("acme"), "https://id.example/auth/acme");
    }
}
