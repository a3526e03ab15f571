//! The only redirect that the gateway makes.

use axum::body::Body;
use axum::response::Response;
use http::header::{LOCATION, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

use crate::gateway::error::{Refused, keep_out_of_caches};
use crate::types::error::OAuthError;

/// 303, so that a form is never posted again to where the browser goes (RFC 9700 section 4.12).
pub(super) fn see_other(location: &str) -> Result<Response, Refused> {
    let mut location = HeaderValue::try_from(location)
        .map_err(|_| OAuthError::server_error("the service answered with a URI that is no header value"))?;
    // It may hold a handle, a code or a client's state.
    location.set_sensitive(true);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    keep_out_of_caches(headers);
    Ok(response)
}
