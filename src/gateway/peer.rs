//! Who sent a request: the peer of its connection, or whom a trusted proxy names.
//!
//! Of all that proxies may send only `X-Forwarded-For` is looked at, and only from a proxy that the operator
//! trusts; nothing of it says how the server is reached (threat J4).

use std::net::IpAddr;

use http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::gateway::Gateway;
use crate::grpc::facts::Peer;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

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
        let Some(hop) = hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) else { break };
        nearest = hop.to_canonical();
    }
    nearest
}
