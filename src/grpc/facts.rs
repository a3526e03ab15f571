//! What a listener knows of a request and no message may claim.
//!
//! A caller over the network cannot set request extensions, so what stands here is true.

use std::net::IpAddr;

use http::Extensions;

use crate::engine::people::sign_in::Visitor;
use crate::types::policy::{Policy, PolicySet};
use crate::types::secret::Secret;

/// The address that a connection came from.  The listener sets it on every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Travels as an extension of a `tonic::Request` that the REST gateway makes in process.
#[derive(Clone, Debug, Default)]
pub struct GatewayFacts {
    /// The value of the cookie that ties an authorization request to the browser that began it.
    pub browser: Option<Secret>,
    /// The value of the session cookie.
    pub session: Option<Secret>,
    /// Who sent the request: the connection's peer, or what a trusted proxy said.
    pub address: Option<IpAddr>,
    /// Which deviations from the standard form of a token request it used.
    pub deviations: Deviations,
}

/// How a token request over HTTP deviated from its standard form.  The gateway reads it all the same;
/// whether the client may is judged after it has authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deviations {
    /// `code` stood in the query of the URL.
    pub code_in_query: bool,
    /// `grant_type` was `code`.
    pub grant_type_code: bool,
    /// The path was an alias of `/oauth2/token`.
    pub path_alias: bool,
}

impl Deviations {
    /// The policies that allow them.
    #[must_use]
    pub fn policies(self) -> PolicySet {
        let all = [
            (self.code_in_query, Policy::CodeInQuery),
            (self.grant_type_code, Policy::GrantTypeCode),
            (self.path_alias, Policy::PathAliases),
        ];
        let mut policies = PolicySet::default();
        for (_, policy) in all.into_iter().filter(|(deviates, _)| *deviates) {
            policies.insert(policy);
        }
        policies
    }
}

impl GatewayFacts {
    /// What the rules of people need of it.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor { browser: self.browser.clone(), session: self.session.clone(), address: self.address }
    }
}

/// Who sent a request, whichever surface it came by.
#[must_use]
pub fn address_of(extensions: &Extensions) -> Option<IpAddr> {
    match extensions.get::<GatewayFacts>() {
        Some(facts) => facts.address,
        None => extensions.get::<Peer>().map(|peer| peer.0),
    }
}
