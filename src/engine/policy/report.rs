//! Which clients deviate from the strict core, whether they still need to, and what to do about it.

use crate::engine::Engine;
use crate::engine::page::PageRequest;
use crate::engine::trusted::{Administrator, Trusted};
use crate::store::client::Client;
use crate::store::policy_use::PolicyUse;
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceName;
use crate::types::policy::Policy;
use crate::types::time::UnixSeconds;

/// A client and how it used its policies.
#[derive(Clone, Debug)]
pub struct ClientReport {
    /// The client.
    pub client: Client,
    /// Of all policies that it ever used.
    pub uses: Vec<PolicyUse>,
}

/// What the policies of a workspace are judged by.
#[derive(Clone, Debug)]
pub struct Measure {
    /// The present.
    pub now: UnixSeconds,
    /// `None` for any.
    pub ceiling: Option<Vec<Policy>>,
}

impl Measure {
    /// Whether the workspace allows it.
    #[must_use]
    pub fn within_ceiling(&self, policy: Policy) -> bool {
        self.ceiling.as_ref().is_none_or(|ceiling| ceiling.contains(&policy))
    }
}

impl Engine {
    /// One page of a workspace's clients with their uses, and the first of the next, in the order of the ids.
    ///
    /// # Errors
    /// `NotFound`, and `InvalidField` for a page token from elsewhere.
    pub async fn report_policies(
        &self,
        caller: Administrator,
        workspace: &WorkspaceName,
        page: &PageRequest,
    ) -> Result<(Measure, Vec<ClientReport>), Refusal> {
        // So that what was used a moment ago counts.
        self.flush_policy_uses().await?;
        let entry = self.workspace(workspace)?;
        let clients = self.list_clients(Trusted::from(caller), workspace, page).await?;
        let mut reports = Vec::with_capacity(clients.len());
        for client in clients {
            let uses =
                if client.policies.is_empty() { Vec::new() } else { self.store.policy_uses(entry.record.id, &client.id).await? };
            reports.push(ClientReport { client, uses });
        }
        Ok((Measure { now: self.now(), ceiling: entry.record.policy_ceiling.clone() }, reports))
    }
}

/// What the client's developer has to do so that the policy can be switched off.
#[must_use]
pub fn advice(policy: Policy) -> &'static str {
    match policy {
        Policy::CodeInQuery => "send code in the body of the token request, like every other parameter",
        Policy::GrantTypeCode => "send grant_type=authorization_code",
        Policy::ImplicitGrant => "use response_type=code with PKCE (RFC 9700 section 2.1.2)",
        Policy::PasswordGrant => "use the authorization code grant with PKCE (RFC 9700 section 2.4)",
        Policy::PathAliases => "call the token_endpoint of the server's metadata, /oauth2/token",
        Policy::PkceOptional => "send code_challenge with method S256, and code_verifier with the code (RFC 7636)",
        Policy::RefreshRotationNever => "keep the refresh token of each answer, and use that one next",
        Policy::RefreshTokenOnClientCredentials => {
            "ask for a new token with client_credentials when the old one ends (RFC 6749 section 4.4.3)"
        }
        Policy::RefreshWithoutClientAuthentication => "send client_id and client_secret with a refresh too (RFC 6749 section 6)",
        Policy::WildcardScope => "name the scopes that are needed, separated by spaces",
    }
}
