//! One file per grant type.  Each looks at what was presented and decides what may be issued.

pub mod authorization_code;
pub mod begin;
pub mod client_credentials;
pub mod doubt;
pub mod password;
pub mod refresh_token;

use crate::engine::Engine;
use crate::engine::client_auth::AuthenticatedClient;
use crate::store::grant::{Authorization, Grant};
use crate::types::error::OAuthError;

impl Engine {
    /// Refuses a grant that rests on something that was withdrawn since (threats B4 and B5).
    pub(crate) async fn require_standing(
        &self,
        client: &AuthenticatedClient,
        grant: &Grant,
        authorization: &Authorization,
    ) -> Result<(), OAuthError> {
        match self.withdrawn(client.workspace().record.id, client.client(), grant, authorization).await? {
            None => Ok(()),
            Some(reason) => Err(OAuthError::invalid_grant(reason)),
        }
    }
}
