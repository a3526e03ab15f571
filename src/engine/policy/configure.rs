//! Switching policies on and off.  Whatever changes a client, one verdict falls on the whole of what it
//! would be (threat I2); what only time and the workspace's ceiling decide is judged at each use as well.

use std::borrow::Cow;

use tracing::info;

use crate::engine::Engine;
use crate::engine::trusted::Administrator;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::{Client, PolicyGrant};
use crate::types::client::{AuthMethod, GrantType};
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceName;
use crate::types::policy::{Policy, Preset};
use crate::types::time::UnixSeconds;

const MAX_REASON_CHARACTERS: usize = 200;

/// What an operator says of a policy.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Why.
    pub reason: String,
    /// When it ends; `None` for never.
    pub expires_at: Option<UnixSeconds>,
    /// For `implicit_grant`: that the client may have `wildcard_scope` too.
    pub with_wildcard_scope: bool,
}

impl Engine {
    /// Switches a policy on, or changes its reason and end.
    ///
    /// # Errors
    /// `NotFound`, and `InvalidField` for what the client or its workspace may not have.
    pub async fn enable_policy(
        &self,
        caller: Administrator,
        workspace: &WorkspaceName,
        id: &str,
        policy: Policy,
        switch: &Switch,
    ) -> Result<Client, Refusal> {
        if switch.with_wildcard_scope && policy != Policy::ImplicitGrant {
            return Err(Refusal::InvalidField("with_wildcard_scope", "is a statement about implicit_grant only".into()));
        }
        self.switch_on(caller, workspace, id, &[policy], switch).await
    }

    /// Switches on what one published interface needs.
    ///
    /// # Errors
    /// As [`Engine::enable_policy`].
    pub async fn apply_preset(
        &self,
        caller: Administrator,
        workspace: &WorkspaceName,
        id: &str,
        preset: Preset,
        switch: Switch,
    ) -> Result<Client, Refusal> {
        let switch = Switch { with_wildcard_scope: preset.states_wildcard_with_implicit(), ..switch };
        self.switch_on(caller, workspace, id, preset.policies(), &switch).await
    }

    /// Switches a policy off.  A registered `refresh_token` that nothing gives any longer goes with it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn disable_policy(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        id: &str,
        policy: Policy,
    ) -> Result<Client, Refusal> {
        let changed = self
            .change_client(workspace, id, |_, mut client| {
                client.policies.retain(|grant| grant.policy != policy);
                if !gives_refresh_tokens(&client.grant_types, &client.policies) {
                    client.grant_types.retain(|&grant_type| grant_type != GrantType::RefreshToken);
                }
                Ok(client)
            })
            .await?;
        info!(target: "jeton::audit", event = "policy_disabled", %workspace, client.id = %changed.id, %policy, "a policy is off");
        Ok(changed)
    }

    async fn switch_on(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        id: &str,
        policies: &[Policy],
        switch: &Switch,
    ) -> Result<Client, Refusal> {
        let changed = self
            .change_client(workspace, id, |entry, client| {
                let changed = self.with_policies(entry, client, policies, switch)?;
                check_policies(&changed).map_err(|why| Refusal::InvalidField("policy", why))?;
                Ok(changed)
            })
            .await?;
        for policy in policies {
            info!(
                target: "jeton::audit",
                event = "policy_enabled", %workspace, client.id = %changed.id, %policy,
                reason = switch.reason, expires_at = switch.expires_at.map(|end| end.0),
                "a policy is on"
            );
        }
        Ok(changed)
    }

    /// The client with policies switched on, as far as its workspace and the time allow it.  Whether the
    /// client may have them is for [`check_policies`] to say, once it is known what the client will be.
    ///
    /// # Errors
    /// `InvalidField`.
    pub(crate) fn with_policies(
        &self,
        workspace: &WorkspaceEntry,
        mut client: Client,
        policies: &[Policy],
        switch: &Switch,
    ) -> Result<Client, Refusal> {
        check_reason(&switch.reason)?;
        let now = self.now();
        if switch.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::InvalidField("expires_at", "must be in the future".into()));
        }
        let ceiling = workspace.record.policy_ceiling.as_deref();
        if let Some(beyond) = policies.iter().find(|policy| ceiling.is_some_and(|ceiling| !ceiling.contains(policy))) {
            let why =
                format!("{beyond} is outside the ceiling of the workspace: `jeton workspace update --policy-ceiling` sets it");
            return Err(Refusal::InvalidField("policy", why.into()));
        }
        for &policy in policies {
            let before = client.policies.iter().position(|grant| grant.policy == policy).map(|at| client.policies.remove(at));
            let on = before.filter(|grant| grant.expires_at.is_none_or(|end| now < end));
            client.policies.push(PolicyGrant {
                policy,
                reason: switch.reason.clone(),
                since: on.map_or(now, |grant| grant.since),
                expires_at: switch.expires_at,
                with_wildcard_scope: switch.with_wildcard_scope && policy == Policy::ImplicitGrant,
            });
        }
        client.policies.sort_unstable_by_key(|grant| grant.policy);
        Ok(client)
    }
}

fn check_reason(reason: &str) -> Result<(), Refusal> {
    let good =
        !reason.trim().is_empty() && reason.chars().count() <= MAX_REASON_CHARACTERS && !reason.chars().any(char::is_control);
    if good {
        return Ok(());
    }
    Err(Refusal::InvalidField("reason", "must be 1 to 200 characters without control characters".into()))
}

/// Why a client may not have the policies that it has; the one verdict for every way to get there.
pub(crate) fn check_policies(client: &Client) -> Result<(), Cow<'static, str>> {
    let on = |policy: Policy| client.policies.iter().find(|grant| grant.policy == policy);
    if client.auth_method == AuthMethod::None
        && let Some(grant) = client.policies.iter().find(|grant| grant.policy.confidential_only())
    {
        return Err(format!("{} is for clients with a secret only, not for public ones", grant.policy).into());
    }
    if let (Some(implicit), Some(_)) = (on(Policy::ImplicitGrant), on(Policy::WildcardScope))
        && !implicit.with_wildcard_scope
    {
        let why = "implicit_grant and wildcard_scope together let a page have every scope of the client: \
                   state it when implicit_grant is switched on (--with-wildcard-scope), or switch one of them off";
        return Err(why.into());
    }
    Ok(())
}

/// Whether a client with these grant types and policies can ever get a refresh token.
pub(crate) fn gives_refresh_tokens(grant_types: &[GrantType], policies: &[PolicyGrant]) -> bool {
    let on = |policy: Policy| policies.iter().any(|grant| grant.policy == policy);
    grant_types.contains(&GrantType::AuthorizationCode)
        || on(Policy::PasswordGrant)
        || (grant_types.contains(&GrantType::ClientCredentials) && on(Policy::RefreshTokenOnClientCredentials))
}
