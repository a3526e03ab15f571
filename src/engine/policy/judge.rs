//! The one place that says whether a client may deviate from the strict core.
//!
//! A policy counts at each use: it must be switched on for the client, not be past its end, lie
//! within the ceiling of the workspace, and suit the kind of client.

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::{Client, PolicyGrant};
use crate::store::grant::Authorization;
use crate::types::client::{AuthMethod, GrantType};
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::policy::Policy;

impl Engine {
    /// The policy as it is switched on for a client now; `None` when it is off.
    pub(crate) fn policy<'a>(&self, workspace: &WorkspaceEntry, client: &'a Client, policy: Policy) -> Option<&'a PolicyGrant> {
        let grant = client.policies.iter().find(|grant| grant.policy == policy)?;
        let lives = grant.expires_at.is_none_or(|end| self.now() < end);
        let ceiling = workspace.record.policy_ceiling.as_ref();
        let suits = !policy.confidential_only() || client.auth_method != AuthMethod::None;
        (lives && suits && ceiling.is_none_or(|ceiling| ceiling.contains(&policy))).then_some(grant)
    }

    /// Uses a policy: refuses with `code` and the way to switch it on, or counts the use.
    ///
    /// # Errors
    /// `code`, when the policy is off.
    pub(crate) fn use_policy(
        &self,
        workspace: &WorkspaceEntry,
        client: &Client,
        policy: Policy,
        code: ErrorCode,
    ) -> Result<(), OAuthError> {
        if self.policy(workspace, client, policy).is_none() {
            return Err(OAuthError::new(code, self.how_to_switch_on(workspace, client, policy)));
        }
        self.count_policy_use(workspace, client, policy);
        Ok(())
    }

    /// What a client's developer is told of a policy that is off.
    pub(crate) fn how_to_switch_on(&self, workspace: &WorkspaceEntry, client: &Client, policy: Policy) -> String {
        let what = needs(policy);
        if policy.confidential_only() && client.auth_method == AuthMethod::None {
            return format!("{what}; the policy {policy} would allow it, but only to a client with a secret");
        }
        let ceiling = workspace.record.policy_ceiling.as_ref();
        if ceiling.is_some_and(|ceiling| !ceiling.contains(&policy)) {
            return format!("{what}; the policy {policy} would allow it, but the ceiling of the workspace does not");
        }
        let ended = client.policies.iter().any(|grant| grant.policy == policy);
        let state = if ended { "has expired" } else { "is off" };
        format!("{what}; the policy {policy} {state} for this client: an operator switches it on with jeton policy enable")
    }

    /// Whether a client may refresh what was granted: its own grants only while the policy is on that
    /// allowed them, every other one when it registered for it.
    pub(crate) fn may_refresh(&self, workspace: &WorkspaceEntry, client: &Client, authorization: &Authorization) -> bool {
        match of_the_client_itself(client, authorization) {
            true => self.policy(workspace, client, Policy::RefreshTokenOnClientCredentials).is_some(),
            false => client.grant_types.contains(&GrantType::RefreshToken),
        }
    }
}

/// Whether nobody but the client allowed this.
pub(crate) fn of_the_client_itself(client: &Client, authorization: &Authorization) -> bool {
    authorization.auth_time.is_none() && authorization.subject.as_str() == client.id.as_str()
}

/// The strict rule that a policy deviates from, for who broke it.
fn needs(policy: Policy) -> &'static str {
    match policy {
        Policy::CodeInQuery => "code must be sent in the body of the request, not in its URL",
        Policy::GrantTypeCode => "grant_type must be authorization_code",
        Policy::ImplicitGrant => "response_type must be code",
        Policy::PasswordGrant => "the password grant is not offered",
        Policy::PathAliases => "the token endpoint is /oauth2/token",
        Policy::PkceOptional => "code_challenge is missing: PKCE with S256 is required",
        Policy::RefreshRotationNever => "refresh tokens are used once",
        Policy::RefreshTokenOnClientCredentials => "client_credentials gives no refresh token",
        Policy::RefreshWithoutClientAuthentication => "a refresh needs client authentication",
        Policy::WildcardScope => "scope must name its scopes one by one, not *",
    }
}
