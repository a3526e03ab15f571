//! What an issuer identifier may be (RFC 8414 section 2).

use url::{Host, Url};

/// Checks that `issuer` is one that clients can compare as an exact string.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn check(issuer: &str) -> Result<(), String> {
    let url = Url::parse(issuer).map_err(|_| "must be a URL, for example https://auth.example.com")?;
    let Some(host) = url.host() else {
        return Err("must be a URL with a host".to_owned());
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback(&host) => {}
        _ => return Err("must begin with https://, unless its host is a loopback one".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or password in it".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment (RFC 8414 section 2)".to_owned());
    }
    if issuer.ends_with('/') {
        return Err("must not end with a slash".to_owned());
    }
    // Clients compare it as a string, so only the form that a URL library writes is accepted.
    let normal = url.as_str().trim_end_matches('/');
    if normal != issuer {
        return Err(format!("must be written as {normal}"));
    }
    Ok(())
}

fn loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn https_and_loopback_are_issuers() {
        for issuer in [
            "https://auth.example.com",
            "https://auth.example.com:8443/tenant",
            "http://127.0.0.1:8080",
            "http://localhost:1",
            "http://[::1]:8080",
        ] {
            assert_eq!(check(issuer), Ok(()), "{issuer}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        for (issuer, reason) in [
            ("auth.example.com", "must be a URL"),
            ("http://auth.example.com", "https://"),
            ("http://localhost.example.com", "https://"),
            ("ftp://127.0.0.1", "https://"),
            ("https://auth.example.com/", "slash"),
            ("https://auth.example.com?a=b", "query"),
            ("https://auth.example.com#a", "fragment"),
            ("https://user@auth.example.com", "user name"),
            ("https://Auth.example.com", "https://auth.example.com"),
            ("https://auth.example.com:443", "https://auth.example.com"),
        ] {
            let refusal = check(issuer).unwrap_err();
            assert!(refusal.contains(reason), "{issuer}: {refusal}");
        }
    }
}
