//! Compatibility policies: the one place that says whether a client may deviate from the strict core.
//!
//! A policy counts at each use: it must be switched on for the client, not be past its end, and lie
//! within the ceiling of the workspace.

use tracing::info;

use crate::engine::Engine;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::{Client, PolicyGrant};
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::policy::Policy;

impl Engine {
    /// The policy as it is switched on for a client now; `None` when it is off.
    pub(crate) fn policy<'a>(&self, workspace: &WorkspaceEntry, client: &'a Client, policy: Policy) -> Option<&'a PolicyGrant> {
        let now = self.now();
        let ceiling = workspace.record.policy_ceiling.as_ref();
        let grant = client.policies.iter().find(|grant| grant.policy == policy)?;
        let lives = grant.expires_at.is_none_or(|end| now < end);
        (lives && ceiling.is_none_or(|ceiling| ceiling.contains(&policy))).then_some(grant)
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
    fn how_to_switch_on(&self, workspace: &WorkspaceEntry, client: &Client, policy: Policy) -> String {
        let what = needs(policy);
        let ceiling = workspace.record.policy_ceiling.as_ref();
        if ceiling.is_some_and(|ceiling| !ceiling.contains(&policy)) {
            return format!("{what}; the policy {policy} would allow it, but the ceiling of the workspace does not");
        }
        let ended = client.policies.iter().any(|grant| grant.policy == policy);
        let state = if ended { "has expired" } else { "is off" };
        format!("{what}; the policy {policy} {state} for this client: an operator switches it on with jeton policy enable")
    }

    /// Counts and audits a use.
    pub(crate) fn count_policy_use(&self, workspace: &WorkspaceEntry, client: &Client, policy: Policy) {
        metrics::counter!("jeton_policy_uses_total", "policy" => policy.as_str()).increment(1);
        info!(
            target: "jeton::audit",
            event = "policy_used", workspace = %workspace.record.name, client.id = %client.id, %policy,
            "a compatibility policy was used"
        );
    }
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
