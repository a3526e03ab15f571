//! The authorization code grant (RFC 6749 section 4.1.3) with PKCE (RFC 7636).

use tracing::warn;

use crate::engine::Engine;
use crate::engine::client_auth::AuthenticatedClient;
use crate::engine::grants::begin::Refreshes;
use crate::engine::grants::doubt::{Asked, Attempt};
use crate::engine::mint::{Bearer, Decided};
use crate::engine::token::requested_scope;
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::grant::redeem::{Redeemed, Redemption, redeem};
use crate::store::grant::{Authorization, Grant, State, transition};
use crate::types::client::GrantType;
use crate::types::error::OAuthError;
use crate::types::pkce::{CodeChallenge, CodeVerifier};
use crate::types::secret::Secret;

const UNKNOWN: &str = "the code is not known for this client: it may be mistyped, or issued to another client or workspace";

impl Engine {
    /// Redeems a code.  It is used up only when every check has passed, so a wrong `code_verifier`
    /// does not burn it.
    ///
    /// # Errors
    /// `invalid_grant` if the code is unknown, expired, used, or bound otherwise; using it twice also
    /// revokes everything that came of it (section 4.1.2).
    pub(crate) async fn authorization_code(
        &self,
        client: &AuthenticatedClient,
        code: Secret,
        redirect_uri: Option<String>,
        code_verifier: Option<Secret>,
        scope: Option<String>,
    ) -> Result<Decided, OAuthError> {
        let workspace = client.workspace().record.id;
        let challenge = match code_verifier {
            None => None,
            Some(verifier) => {
                let verifier = CodeVerifier::parse(verifier).map_err(|error| OAuthError::invalid_request(error.to_string()))?;
                Some(CodeChallenge::of(&verifier))
            }
        };
        let scope = requested_scope(scope.as_deref())?;
        let code =
            Opaque::parse(Kind::Code, workspace, &code, &self.data_keys).ok_or_else(|| OAuthError::invalid_grant(UNKNOWN))?;
        let id = code.grant();
        let loaded = self.store.grant(workspace, id).await?.ok_or_else(|| OAuthError::invalid_grant(UNKNOWN))?;
        if let Some(authorization) = open_authorization(&loaded.record, client) {
            self.require_standing(client, &loaded.record, authorization).await?;
        }

        let now = self.now();
        let refreshes = match client.client().grant_types.contains(&GrantType::RefreshToken) {
            true => Refreshes::Yes,
            false => Refreshes::No,
        };
        let code = digest(&code, workspace, &self.data_keys);
        let asked = Asked { client: client.client().id.clone(), code, redirect_uri, challenge, scope: scope.clone() };
        self.require_fresh()?;
        let attempt = match self.doubts.take(id, &asked, now) {
            Some(before) => before,
            None => Attempt {
                refresh_token: match refreshes {
                    Refreshes::Yes => Some(Opaque::generate(Kind::Refresh, id, 0, &self.data_keys, &*self.entropy)?),
                    Refreshes::No => None,
                },
                id: self.entropy.array()?,
                expires_at: self.grant_end(client, loaded.record.created_at, refreshes),
            },
        };
        let refresh = attempt.refresh_token.as_ref().map(|token| self.first_refresh(client, token));
        let under_way = self.doubts.begin(id, asked.clone(), attempt.clone(), now);
        let redemption = Redemption {
            client: &asked.client,
            code,
            redirect_uri: asked.redirect_uri.as_deref(),
            challenge,
            scope: asked.scope.as_ref(),
            attempt: attempt.id,
            refresh: refresh.as_ref(),
            expires_at: attempt.expires_at,
            now,
        };
        let redeemed = transition(&*self.store, workspace, id, loaded, |grant| redeem(grant, &redemption)).await?;
        under_way.settled();
        let authorization = match redeemed.unwrap_or(Redeemed::Missing) {
            Redeemed::First(authorization) => authorization,
            Redeemed::Replayed => {
                warn!(client.id = %client.client().id, grant.id = %id, "a code was used twice: its grant is revoked");
                return Err(OAuthError::invalid_grant("the code was already used; every token that came of it is revoked"));
            }
            Redeemed::Missing => return Err(OAuthError::invalid_grant(UNKNOWN)),
            Redeemed::Expired => return Err(OAuthError::invalid_grant("the code has expired")),
            Redeemed::RedirectUriDiffers => {
                return Err(OAuthError::invalid_grant("redirect_uri differs from the authorization request"));
            }
            Redeemed::VerifierDiffers => {
                return Err(OAuthError::invalid_grant(
                    "code_verifier does not match the code_challenge of the authorization request",
                ));
            }
            Redeemed::WiderScope => return Err(OAuthError::invalid_scope("scope is wider than what was granted")),
        };
        Ok(Decided {
            scope: scope.unwrap_or(authorization.scope),
            bearer: Bearer::Person {
                subject: authorization.subject,
                grant: id,
                auth_time: authorization.auth_time,
                grant_expires_at: attempt.expires_at,
            },
            refresh_token: attempt.refresh_token.map(|token| token.encode(workspace, &self.data_keys)),
        })
    }
}

/// What the person allowed, when this is a code of the client that asks.
fn open_authorization<'a>(grant: &'a Grant, client: &AuthenticatedClient) -> Option<&'a Authorization> {
    match &grant.state {
        State::CodeIssued(issued) if grant.client == client.client().id => Some(&issued.authorization),
        State::CodeIssued(_) | State::Requested(_) | State::Decided(_) | State::Active(_) | State::Revoked(_) => None,
    }
}
