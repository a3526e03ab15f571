//! What a listener knows of a request and no message may claim.
//!
//! A caller over the network cannot set request extensions, so what stands here is true.

use crate::types::secret::Secret;

/// Travels as an extension of a `tonic::Request` that the REST gateway makes in process.
#[derive(Clone, Debug, Default)]
pub struct GatewayFacts {
    /// The value of the cookie that ties an authorization request to the browser that began it.
    pub browser: Option<Secret>,
}
