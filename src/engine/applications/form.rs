//! What a person says of an application, and what becomes of it: client metadata like any other,
//! judged by the same verdict, but never more than a person may give away (threat I3).

use crate::engine::Engine;
use crate::engine::authorize::{code_page, shows_code};
use crate::engine::people::session::SignedIn;
use crate::engine::policy::configure::Switch;
use crate::engine::register::ClientMetadata;
use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::types::client::{ApplicationType, AuthMethod, GrantType};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::policy::Policy;
use crate::types::scope::Scope;

/// What a person says of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationForm {
    /// Shown to people.
    pub name: String,
    /// Not checked yet.
    pub redirect_uris: Vec<String>,
    /// Not checked yet.
    pub scopes: Vec<String>,
    /// Runs on a person's device or in a shell.
    pub native: bool,
}

impl ApplicationForm {
    /// The form that would say what is registered.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            redirect_uris: client.redirect_uris.iter().map(ToString::to_string).collect(),
            scopes: client.scope.tokens().map(str::to_owned).collect(),
            native: client.application_type == ApplicationType::Native,
        }
    }
}

impl Engine {
    /// The client that `base` becomes with a person's form, if the person may make it so.
    ///
    /// # Errors
    /// `invalid_redirect_uri`, `invalid_client_metadata`.
    pub(super) async fn apply_form(&self, person: &SignedIn, form: ApplicationForm, base: Client) -> Result<Client, OAuthError> {
        let scope = self.checked_scope(person, &form.scopes, &base).await?;
        let redirect_uris = redirect_uris(person, &form, &base);
        if redirect_uris.is_empty() && base.grant_types.contains(&GrantType::AuthorizationCode) {
            let description = "an application needs a redirect URI, or must be a native or CLI application";
            return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, description));
        }
        let set = |text: &Option<String>| text.clone().unwrap_or_default();
        let metadata = ClientMetadata {
            name: form.name,
            redirect_uris,
            application_type: if form.native { ApplicationType::Native } else { ApplicationType::Web },
            default_scope: base.default_scope.intersect(&scope).to_string(),
            scope: scope.to_string(),
            // The rest is for an operator to say.
            uri: set(&base.uri),
            grant_types: base.grant_types.clone(),
            auth_method: base.auth_method,
            default_audience: set(&base.default_audience),
            lifetimes: base.lifetimes,
            logo_uri: set(&base.branding.logo_uri),
            brand_color: set(&base.branding.color),
        };
        metadata.apply_to(base)
    }

    /// What a workspace's preset gives an application: no more than its ceiling, and no other way to a token.
    ///
    /// # Errors
    /// None but those of a reason, which is our own.
    pub(super) fn with_application_preset(&self, workspace: &WorkspaceEntry, blank: Client) -> Result<Client, Refusal> {
        let Some(preset) = workspace.record.application_preset else { return Ok(blank) };
        let ceiling = workspace.record.policy_ceiling.as_deref();
        let allowed = |policy: &Policy| policy.for_applications() && ceiling.is_none_or(|ceiling| ceiling.contains(policy));
        let policies: Vec<Policy> = preset.policies().iter().copied().filter(allowed).collect();
        let reason = format!("preset {preset} of the workspace's applications");
        let switch = Switch { reason, expires_at: None, with_wildcard_scope: false };
        let lifetimes = blank.lifetimes.or(preset.lifetimes());
        Ok(Client { lifetimes, ..self.with_policies(workspace, blank, &policies, &switch)? })
    }

    /// Only what the registry offers to this person, and what an operator gave the application before.
    async fn checked_scope(&self, person: &SignedIn, chosen: &[String], base: &Client) -> Result<Scope, OAuthError> {
        let refuse = |description: String| Err(OAuthError::new(ErrorCode::InvalidClientMetadata, description));
        let scope = Scope::parse(&chosen.join(" "));
        let Ok(scope) = scope else { return refuse("scopes has a name that no scope can have, or has too many".into()) };
        let registry = self.store.scopes(person.workspace().record.id).await?;
        for name in scope.tokens().filter(|name| !base.scope.contains(name)) {
            match registry.iter().find(|entry| entry.name == name) {
                Some(entry) if entry.restricted && !person.administrator() => {
                    return refuse("scopes has one that only an administrator may give to an application".into());
                }
                Some(_) => {}
                None => return refuse("scopes has one that the scope registry of this workspace does not have".into()),
            }
        }
        Ok(scope)
    }
}

/// The redirect URIs of the form.  The code page comes and goes with the box that speaks of it.
fn redirect_uris(person: &SignedIn, form: &ApplicationForm, base: &Client) -> Vec<String> {
    let own = |uri: &String| shows_code(person.workspace(), uri);
    let mut uris: Vec<String> = form.redirect_uris.iter().filter(|uri| !uri.is_empty()).cloned().collect();
    if form.native && !uris.iter().any(own) {
        uris.push(code_page(person.workspace()));
    }
    if !form.native && base.application_type == ApplicationType::Native {
        uris.retain(|uri| !own(uri));
    }
    uris
}

/// What a person's application is before its form is read: it acts for people who allow it, never
/// for itself, and it has a secret.
pub(super) fn blank_application(person: &SignedIn, blank: Client) -> Client {
    Client {
        owner: Some(person.subject().clone()),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        auth_method: AuthMethod::ClientSecretBasic,
        ..blank
    }
}
