//! The refresh token grant (RFC 6749 section 6): rotation, retry and reuse (RFC 9700 section 4.14.2).

use tracing::{info, warn};

use crate::engine::Engine;
use crate::engine::client_auth::{AuthenticatedClient, Proof};
use crate::engine::mint::{Bearer, Decided};
use crate::engine::policy::judge::of_the_client_itself;
use crate::engine::token::{requested_scope, require_grant_type};
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::grant::rotate::{Rotated, Rotation, rotate};
use crate::store::grant::stay::stay;
use crate::store::grant::{Authorization, Grant, State, transition};
use crate::types::client::GrantType;
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::policy::{Policy, PolicySet};
use crate::types::secret::Secret;

const UNKNOWN: &str =
    "the refresh token is not known for this client: it may be mistyped, or issued to another client or workspace";
const REUSED: &str = "the refresh token was already used; its grant is revoked";
const REUSED_BY_CONFIDENTIAL: &str = "the refresh token was already used; its grant is revoked.  A client that cannot keep \
     the newest one needs the policy refresh_rotation_never: an operator switches it on with jeton policy enable";

impl Engine {
    /// Rotates a refresh token.  Only the one caller that is first gets the next token; a client that
    /// lost the answer gets the same one again, within the retry window and while it is unused.
    ///
    /// # Errors
    /// `invalid_grant` if the token is unknown, expired or revoked; an old token also revokes its grant.
    pub(crate) async fn refresh_token(
        &self,
        client: &AuthenticatedClient,
        presented: Secret,
        scope: Option<String>,
        used: &mut PolicySet,
    ) -> Result<Decided, OAuthError> {
        let workspace = client.workspace().record.id;
        let scope = requested_scope(scope.as_deref())?;
        let unknown = || OAuthError::invalid_grant(UNKNOWN);
        let presented = Opaque::parse(Kind::Refresh, workspace, &presented, &self.data_keys).ok_or_else(unknown)?;
        let id = presented.grant();
        let loaded = self.store.grant(workspace, id).await?.ok_or_else(unknown)?;
        let grant_expires_at = match &loaded.record.state {
            State::Active(active) if loaded.record.client == client.client().id => {
                self.require_standing(client, &loaded.record, &active.authorization).await?;
                self.judge_grant(client, &active.authorization, used)?;
                active.expires_at
            }
            _ => loaded.record.expires_at(),
        };

        let generation = presented.generation().saturating_add(1);
        let next = Opaque::generate(Kind::Refresh, id, generation, &self.data_keys, &*self.entropy)?;
        let sealed_next = presented.seal_successor(&next, workspace, &self.data_keys, &*self.entropy)?;
        let rotation = Rotation {
            client: &client.client().id,
            generation: presented.generation(),
            presented: digest(&presented, workspace, &self.data_keys),
            next: digest(&next, workspace, &self.data_keys),
            sealed_next: &sealed_next,
            scope: scope.as_ref(),
            retry_window: self.settings.refresh_retry_window,
            now: self.clock.now(),
        };
        let stays = self.policy(client.workspace(), client.client(), Policy::RefreshRotationNever).is_some();
        let step = |grant: &Grant| if stays { stay(grant, &rotation) } else { rotate(grant, &rotation) };
        self.require_fresh()?;
        let rotated = transition(&*self.store, workspace, id, loaded, step).await?;
        let (authorization, successor) = match rotated.unwrap_or(Rotated::Missing) {
            Rotated::Rotated(authorization) => (authorization, Some(next)),
            Rotated::Retried(authorization, sealed) => {
                info!(client.id = %client.client().id, grant.id = %id, "a refresh was retried: the same successor is answered");
                let successor = presented.open_successor(&sealed, workspace, &self.data_keys);
                (authorization, Some(successor.map_err(OAuthError::server_error)?))
            }
            Rotated::Stayed(authorization) => {
                self.count_policy_use(client.workspace(), client.client(), Policy::RefreshRotationNever);
                used.insert(Policy::RefreshRotationNever);
                (authorization, None)
            }
            Rotated::Reused => {
                warn!(client.id = %client.client().id, grant.id = %id, "an old refresh token was used: its grant is revoked");
                return Err(OAuthError::invalid_grant(if client.confidential() { REUSED_BY_CONFIDENTIAL } else { REUSED }));
            }
            Rotated::Revoked => return Err(OAuthError::invalid_grant("the grant was revoked")),
            Rotated::Missing => return Err(unknown()),
            Rotated::Expired => return Err(OAuthError::invalid_grant("the refresh token has expired")),
            Rotated::WiderScope => return Err(OAuthError::invalid_scope("scope is wider than what was granted")),
        };
        Ok(Decided {
            scope: scope.unwrap_or(authorization.scope),
            bearer: Bearer::Person {
                subject: authorization.subject,
                grant: id,
                auth_time: authorization.auth_time,
                grant_expires_at,
            },
            refresh_token: successor.map(|token| token.encode(workspace, &self.data_keys)),
        })
    }

    /// Refresh tokens of a client's own grants are good only as long as the policy is on that allowed them;
    /// those of people, as long as the client is registered to refresh.
    fn judge_grant(
        &self,
        client: &AuthenticatedClient,
        authorization: &Authorization,
        used: &mut PolicySet,
    ) -> Result<(), OAuthError> {
        if client.proof() == Proof::RefreshToken {
            used.insert(Policy::RefreshWithoutClientAuthentication);
        }
        let record = client.client();
        if !of_the_client_itself(record, authorization) {
            return require_grant_type(record, GrantType::RefreshToken);
        }
        let policy = Policy::RefreshTokenOnClientCredentials;
        self.use_policy(client.workspace(), record, policy, ErrorCode::UnauthorizedClient)?;
        used.insert(policy);
        Ok(())
    }
}
