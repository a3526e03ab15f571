//! The mint: the one place where tokens are made.  A grant decides; here is issued what it decided.

use std::borrow::Cow;

use crate::engine::Engine;
use crate::engine::access_token::{Claims, Jti};
use crate::engine::authorize::implicit::ImplicitClient;
use crate::engine::client_auth::AuthenticatedClient;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::types::error::OAuthError;
use crate::types::ids::{GrantId, Subject};
use crate::types::scope::Scope;
use crate::types::secret::Secret;
use crate::types::time::UnixSeconds;

/// What a grant decided.
#[derive(Debug)]
pub struct Decided {
    /// Who the token speaks for: a person and the grant, or the client itself.
    pub bearer: Bearer,
    /// The scope of this access token.
    pub scope: Scope,
    /// Already recorded in the grant.
    pub refresh_token: Option<Secret>,
}

/// Who a token speaks for.
#[derive(Debug)]
pub enum Bearer {
    /// The client (RFC 6749 section 4.4).
    Client,
    /// A person who allowed it.
    Person {
        /// Stands in `sub`.
        subject: Subject,
        /// Stands in the `jti`, so that ending the grant ends the token.
        grant: GrantId,
        /// When the person signed in; `None` when the subject is the client itself.
        auth_time: Option<UnixSeconds>,
        /// No token of the grant lives longer.
        grant_expires_at: UnixSeconds,
    },
}

/// What the client gets (RFC 6749 section 5.1).
#[derive(Debug)]
pub struct Tokens {
    /// An RFC 9068 JWT.
    pub access_token: Secret,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// When one is issued.
    pub refresh_token: Option<Secret>,
    /// The scope of the access token.
    pub scope: Scope,
}

/// Whom tokens may be made for: a client that authenticated, or one that may have the implicit grant.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    workspace: &'a WorkspaceEntry,
    client: &'a Client,
}

impl<'a> From<&'a AuthenticatedClient> for Recipient<'a> {
    fn from(client: &'a AuthenticatedClient) -> Self {
        Self { workspace: client.workspace(), client: client.client() }
    }
}

impl<'a> From<&'a ImplicitClient> for Recipient<'a> {
    fn from(client: &'a ImplicitClient) -> Self {
        Self { workspace: client.workspace(), client: client.client() }
    }
}

impl Engine {
    /// Makes the tokens that a grant decided on.
    ///
    /// # Errors
    /// `server_error` without a signing key; `temporarily_unavailable` without randomness, and for a
    /// client's own token while it is not known what other replicas changed.
    pub(crate) fn mint<'a>(&self, recipient: impl Into<Recipient<'a>>, decided: Decided) -> Result<Tokens, OAuthError> {
        let Recipient { workspace, client } = recipient.into();
        let now = self.clock.now();
        let issued = now.seconds();
        let id = client.id.as_str();
        let lifetime = workspace.lifetimes(client.lifetimes, &self.settings).access_token;
        let (subject, grant, auth_time, end) = match &decided.bearer {
            Bearer::Client => {
                // Nothing was used up for it.  What a grant used up was judged right before, and must be answered.
                self.require_fresh()?;
                (id, None, None, issued.plus(lifetime))
            }
            Bearer::Person { subject, grant, auth_time, grant_expires_at } => {
                (subject.as_str(), Some(*grant), auth_time.map(|time| time.0), issued.plus(lifetime).min(*grant_expires_at))
            }
        };
        let jti = Jti::generate(grant, now, &*self.entropy)?.encode();
        let claims = Claims {
            iss: Cow::Borrowed(&workspace.issuer),
            aud: Cow::Borrowed(audience(workspace, client)),
            sub: Cow::Borrowed(subject),
            client_id: Cow::Borrowed(id),
            scope: Cow::Borrowed(decided.scope.as_str()),
            iat: issued.0,
            exp: end.0,
            auth_time,
            jti: Cow::Borrowed(&jti),
        };
        let key = workspace.keys.active(issued).ok_or_else(|| OAuthError::server_error("the workspace has no signing key"))?;
        let access_token = key.sign(&claims).map_err(OAuthError::server_error)?;
        Ok(Tokens {
            access_token: Secret::new(access_token),
            expires_in: end.since(issued),
            refresh_token: decided.refresh_token,
            scope: decided.scope,
        })
    }
}

/// Whom the client's tokens are for: its own audience, the workspace's, the issuer.
fn audience<'a>(workspace: &'a WorkspaceEntry, client: &'a Client) -> &'a str {
    client.default_audience.as_deref().or(workspace.record.default_audience.as_deref()).unwrap_or(&workspace.issuer)
}
