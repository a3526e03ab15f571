//! The workspace of a request, from its path.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::gateway::error::Refused;
use crate::types::ids::WorkspaceName;

/// A well-formed workspace's name as messages carry it: empty for the default workspace.
pub(super) struct Workspace(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Workspace {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let nothing = || Refused::not_found("there is nothing at this path");
        // The router decodes segments; an encoded name would be a second path to the same workspace.
        if parts.uri.path().contains('%') {
            return Err(nothing());
        }
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        let Some((_, segment)) = params.iter().find(|(name, _)| *name == "workspace") else {
            return Ok(Self(String::new()));
        };
        match WorkspaceName::parse(segment) {
            // The default workspace has one path only: the root.
            Ok(name) if name.default() => Err(nothing()),
            Ok(name) => Ok(Self(name.as_str().to_owned())),
            Err(_) => Err(nothing()),
        }
    }
}
