//! Who sent a request: the peer of its connection, or whom a trusted proxy names.
//!
//! Of all that proxies may send only `X-Forwarded-For` is looked at, and only from a proxy that the operator
//! trusts; nothing of it says how the server is reached (threat J4).

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::gateway::Gateway;
use crate::grpc::facts::Peer;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Whose address counts for a request: a parameter of a handler.  `None` without a listener that says it.
pub(super) struct Address(pub Option<IpAddr>);

impl FromRequestParts<Arc<Gateway>> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Infallible> {
        Ok(Self(gateway.address(&parts.headers, &parts.extensions)))
    }
}

impl Gateway {
    /// Whose address counts for a request.
    pub(super) fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer = extensions.get::<Peer>()?.0;
        Some(address(peer, headers, &self.trusted_proxies))
    }
}

/// The nearest address that is no trusted proxy's.
fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut nearest = peer;
    // Each proxy appends whom it heard, so the list is read from its end, and no further than it can be believed.
    let fields: Vec<&str> = headers.get_all(X_FORWARDED_FOR).iter().map(|field| field.to_str().unwrap_or_default()).collect();
    let mut hops = fields.iter().rev().flat_map(|field| field.rsplit(','));
    while trusted(nearest) {
        let Some(hop) = hops.next().and_then(|hop| read(hop.trim())) else { break };
        nearest = hop.to_canonical();
    }
    nearest
}

/// Some proxies write the port too.
fn read(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXIES: [&str; 2] = ["10.0.0.0/8", "2001:db8:ffff::/48"];

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let headers = forwarded.iter().map(|field| (http::HeaderName::from_static(X_FORWARDED_FOR), field.parse().unwrap()));
        let trusted: Vec<IpNet> = PROXIES.iter().map(|network| network.parse().unwrap()).collect();
        address(peer.parse().unwrap(), &headers.collect(), &trusted).to_string()
    }

    /// Threat J4.
    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    /// Threat J4: whoever stands before the nearest untrusted address can have been made up by it.
    #[test]
    fn the_right_most_untrusted_address_counts() {
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.2.3.4"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.7", "10.2.3.4, 2001:db8:ffff::1"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["10.9.9.9, 10.2.3.4"]), "10.9.9.9");
    }

    #[test]
    fn what_cannot_be_read_ends_the_list() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, , 10.2.3.4"]), "10.2.3.4");
        assert_eq!(seen("10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
    }
}
