//! Where an answer goes, for a person and for the policy of a page.

use url::{Host, Url};

use crate::types::redirect_uri::RedirectUri;

/// What a person reads of a redirect URI: its host, and the port when there is one, or a private-use scheme.
#[must_use]
pub fn redirect_host(uri: &RedirectUri) -> String {
    let Ok(url) = Url::parse(uri.as_str()) else { return String::new() };
    match (web(&url), url.host_str(), url.port()) {
        (true, Some(host), Some(port)) => format!("{host}:{port}"),
        (true, Some(host), None) => host.to_owned(),
        (true, None, _) | (false, _, _) => url.scheme().to_owned(),
    }
}

/// The source expression of `form-action` (CSP level 3 section 2.3.1) that lets a form of ours end at a
/// redirect URI: browsers apply it to the redirects that follow, too.
#[must_use]
pub fn form_target(uri: &RedirectUri) -> String {
    let Ok(url) = Url::parse(uri.as_str()) else { return String::new() };
    match (web(&url), url.host()) {
        // The grammar of host sources has no IPv6 literals, so that browsers would ignore one.
        (true, Some(Host::Ipv6(_))) | (true, None) | (false, _) => format!("{}:", url.scheme()),
        (true, Some(Host::Domain(_) | Host::Ipv4(_))) => url.origin().ascii_serialization(),
    }
}

fn web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these can be registered.
    #[test]
    fn a_target_is_an_origin_or_a_scheme() {
        for (uri, host, target) in [
            ("https://app.example.org/cb?x=1", "app.example.org", "https://app.example.org"),
            ("https://app.example.org:8443/cb", "app.example.org:8443", "https://app.example.org:8443"),
            ("http://127.0.0.1:4711/cb", "127.0.0.1:4711", "http://127.0.0.1:4711"),
            ("http://localhost/cb", "localhost", "http://localhost"),
            ("http://[::1]:4711/cb", "[::1]:4711", "http:"),
            ("com.example.app:/cb", "com.example.app", "com.example.app:"),
        ] {
            let uri = RedirectUri::from_stored(uri.to_owned());
            assert_eq!((redirect_host(&uri).as_str(), form_target(&uri).as_str()), (host, target));
        }
    }
}
