//! Introspection (RFC 7662): whether a token is good now, for those whose business it is.

use crate::engine::Engine;
use crate::engine::access_token::{Claims, Jti};
use crate::engine::client_auth::{AuthenticatedClient, ClientCredential};
use crate::keys::opaque::{Kind, Opaque, digest};
use crate::store::grant::State;
use crate::store::token::IssuedToken;
use crate::types::client::Permission;
use crate::types::error::OAuthError;
use crate::types::ids::{ClientId, Subject, WorkspaceName};
use crate::types::secret::Secret;

/// What is said of an active token (RFC 7662 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveToken {
    /// Separated by spaces.
    pub scope: String,
    /// The client it was issued to.
    pub client_id: String,
    /// The subject.
    pub sub: String,
    /// The issuer.
    pub iss: String,
    /// Unix seconds of the end.
    pub exp: i64,
    /// What only an access token has.
    pub access: Option<AccessTokenFacts>,
}

/// What only an access token has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTokenFacts {
    /// The audience.
    pub aud: String,
    /// Unix seconds of the issue.
    pub iat: i64,
    /// The token's id.
    pub jti: String,
}

impl Engine {
    /// Says what a token is; `None` for one that is not active, or not the caller's business: the two
    /// are not told apart (threat H1).
    ///
    /// # Errors
    /// `invalid_client` if the caller did not authenticate; public clients cannot.
    pub async fn introspect(
        &self,
        workspace: &WorkspaceName,
        credential: &ClientCredential,
        token: &Secret,
    ) -> Result<Option<ActiveToken>, OAuthError> {
        let caller = self.authenticate(workspace, credential).await?;
        if !caller.confidential() {
            return Err(OAuthError::invalid_client());
        }
        let active = match Opaque::parse(Kind::Refresh, caller.workspace().record.id, token, &self.data_keys) {
            Some(refresh_token) => self.active_refresh_token(&caller, &refresh_token).await?,
            None => self.active_access_token(&caller, token).await?,
        };
        // Once more: the process may have stood still since the caller authenticated.
        self.require_fresh()?;
        Ok(active.filter(|active| concerns(&caller, active)))
    }

    async fn active_access_token(&self, caller: &AuthenticatedClient, token: &Secret) -> Result<Option<ActiveToken>, OAuthError> {
        let workspace = caller.workspace();
        let now = self.now();
        let Some(claims) = workspace.keys.verify::<Claims<'static>>(token.expose_secret(), now) else { return Ok(None) };
        let (Some(jti), Ok(client_id)) = (Jti::parse(&claims.jti), ClientId::parse(&claims.client_id)) else { return Ok(None) };
        if now.0 >= claims.exp || claims.iss != workspace.issuer {
            return Ok(None);
        }
        let id = workspace.record.id;
        let Some(client) = self.clients.get(id, &client_id).await? else { return Ok(None) };
        if client.disabled || jti.issued_at <= client.not_before {
            return Ok(None);
        }
        let Ok(subject) = Subject::parse(&claims.sub) else { return Ok(None) };
        if jti.grant.is_some_and(|grant| grant.made_at() <= client.not_before) {
            return Ok(None);
        }
        let token = IssuedToken { jti: &claims.jti, grant: jti.grant, subject: &subject, client: &client_id };
        if !self.store.token_stands(id, &token).await? {
            return Ok(None);
        }
        Ok(Some(ActiveToken {
            scope: claims.scope.into_owned(),
            client_id: claims.client_id.into_owned(),
            sub: claims.sub.into_owned(),
            iss: claims.iss.into_owned(),
            exp: claims.exp,
            access: Some(AccessTokenFacts { aud: claims.aud.into_owned(), iat: claims.iat, jti: claims.jti.into_owned() }),
        }))
    }

    async fn active_refresh_token(
        &self,
        caller: &AuthenticatedClient,
        token: &Opaque,
    ) -> Result<Option<ActiveToken>, OAuthError> {
        let workspace = caller.workspace();
        let id = workspace.record.id;
        let Some(loaded) = self.store.grant(id, token.grant()).await? else { return Ok(None) };
        let State::Active(active) = &loaded.record.state else { return Ok(None) };
        let Some(refresh) = &active.refresh else { return Ok(None) };
        let newest = refresh.generation == token.generation() && refresh.head.matches(&digest(token, id, &self.data_keys));
        let end = active.expires_at.min(refresh.idle_expires_at);
        if !newest || self.now() >= end {
            return Ok(None);
        }
        let authorization = &active.authorization;
        let Some(client) = self.clients.get(id, &loaded.record.client).await? else { return Ok(None) };
        let refreshes = self.may_refresh(workspace, &client, authorization);
        if !refreshes || self.withdrawn(id, &client, &loaded.record, authorization).await?.is_some() {
            return Ok(None);
        }
        Ok(Some(ActiveToken {
            scope: authorization.scope.to_string(),
            client_id: loaded.record.client.to_string(),
            sub: authorization.subject.as_str().to_owned(),
            iss: workspace.issuer.clone(),
            exp: end.0,
            access: None,
        }))
    }
}

/// A client may ask about its own tokens, those that name it as audience, or any with that permission.
fn concerns(caller: &AuthenticatedClient, token: &ActiveToken) -> bool {
    let id = caller.client().id.as_str();
    token.client_id == id
        || token.access.as_ref().is_some_and(|access| access.aud == id)
        || caller.client().permissions.contains(&Permission::IntrospectAny)
}
