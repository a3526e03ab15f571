//! Passwords.

use std::net::IpAddr;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::ids::Subject;
use crate::types::secret::Secret;

impl Engine {
    /// Who a username and a password are.
    ///
    /// # Errors
    /// `invalid_grant` when they are nobody's, `too_many_requests` after too many failures,
    /// `unauthorized_client` where people sign in at a login application.
    pub(crate) async fn check_password(
        &self,
        _workspace: &WorkspaceEntry,
        _username: &str,
        _password: &Secret,
        _address: Option<IpAddr>,
    ) -> Result<Subject, OAuthError> {
        Err(OAuthError::new(ErrorCode::UnauthorizedClient, "passwords are not checked here"))
    }
}
