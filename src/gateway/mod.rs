//! Floor 4: HTTP in, gRPC calls out.
//!
//! The gateway sees nothing but the generated service traits, so that gRPC can do whatever REST can.

mod authorize;
mod client_auth;
mod cookie;
mod edge;
mod error;
mod form;
mod introspect;
mod jwks;
mod metadata;
mod pages;
mod peer;
mod redirect;
mod revoke;
mod routes;
mod token;
mod token_post;
mod workspace;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ipnet::IpNet;

use crate::gateway::cookie::{BrowserCookie, SessionCookie};
use crate::gateway::pages::error_page::ErrorPages;
use crate::gateway::pages::origin::Site;
use crate::pb::pages::v1::application_service_server::ApplicationService;
use crate::pb::pages::v1::interaction_service_server::InteractionService;
use crate::pb::v1::authorization_service_server::AuthorizationService;
use crate::pb::v1::metadata_service_server::MetadataService;
use crate::pb::v1::token_service_server::TokenService;
use crate::types::entropy::Entropy;

/// The services behind the gateway, called in process.
#[derive(Clone)]
pub struct Services {
    /// The token endpoint and its sisters.
    pub token: Arc<dyn TokenService>,
    /// Authorization requests.
    pub authorization: Arc<dyn AuthorizationService>,
    /// Metadata and keys.
    pub metadata: Arc<dyn MetadataService>,
    /// Signing in, consenting, reading a code, signing out.
    pub interaction: Arc<dyn InteractionService>,
    /// A person's own applications and consents.
    pub application: Arc<dyn ApplicationService>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services { .. }")
    }
}

/// What the gateway is told.
#[derive(Clone)]
pub struct Options {
    /// Makes the values that tie requests to browsers.
    pub entropy: Arc<dyn Entropy>,
    /// The default workspace's issuer identifier.  Only this says how the server is reached; no
    /// header of a request does.
    pub issuer: String,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The most bytes of a body.
    pub body_bytes: usize,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long a request may take, its body included.
    pub request_timeout: Duration,
}

impl Options {
    /// The usual limits.
    #[must_use]
    pub fn new(entropy: Arc<dyn Entropy>, issuer: String) -> Self {
        Self {
            entropy,
            issuer,
            trusted_proxies: Vec::new(),
            // Many times the largest honest request.
            body_bytes: 64 * 1024,
            body_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("issuer", &self.issuer)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("body_bytes", &self.body_bytes)
            .field("body_timeout", &self.body_timeout)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

/// What every handler shares.
struct Gateway {
    services: Services,
    entropy: Arc<dyn Entropy>,
    body_bytes: usize,
    body_timeout: Duration,
    trusted_proxies: Vec<IpNet>,
    cookie: BrowserCookie,
    session_cookie: SessionCookie,
    site: Site,
    error_pages: ErrorPages,
}

/// The gateway as a service.
pub fn router(services: Services, options: Options) -> Router {
    let gateway = Arc::new(Gateway {
        services,
        cookie: BrowserCookie::of_issuer(&options.issuer),
        session_cookie: SessionCookie::of_issuer(&options.issuer),
        site: Site::of_issuer(&options.issuer),
        error_pages: ErrorPages::new(options.entropy.clone()),
        entropy: options.entropy,
        body_bytes: options.body_bytes,
        body_timeout: options.body_timeout,
        trusted_proxies: options.trusted_proxies,
    });
    routes::table(&gateway, options.request_timeout).with_state(gateway)
}
