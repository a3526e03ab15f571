//! Managing workspaces.

use std::sync::Arc;

use url::Url;

use crate::engine::Engine;
use crate::engine::branding::check_branding;
use crate::engine::page::PageRequest;
use crate::engine::register::{check_audience, check_lifetimes};
use crate::engine::trusted::Administrator;
use crate::engine::workspaces::{WorkspaceEntry, issuer_of};
use crate::keys::ring::{KeyRing, KeyTimes, new_signing_key};
use crate::store::Replaced;
use crate::store::workspace::Workspace;
use crate::types::authorization::SignInMethod;
use crate::types::branding::Branding;
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::{WorkspaceId, WorkspaceName};
use crate::types::lifetime::Lifetimes;
use crate::types::policy::{Policy, Preset};

const UNKNOWN: Refusal = Refusal::NotFound("there is no such workspace");
const EXISTS: Refusal = Refusal::AlreadyExists("there is a workspace of that name already");
const CHANGED: Refusal = Refusal::Changed("the workspace was changed meanwhile: read it again");

/// What an operator sets for a workspace; an empty text is not set.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceSettings {
    /// Shown to people.
    pub display_name: String,
    /// Where browsers are sent with a handle.
    pub login_uri: String,
    /// For clients that have none of their own.
    pub default_audience: String,
    /// For clients that have none of their own.
    pub lifetimes: Lifetimes,
    /// Issues nothing while set.
    pub suspended: bool,
    /// Where its people sign in; `None` for what follows from `login_uri`.
    pub sign_in: Option<SignInMethod>,
    /// A picture for its pages.
    pub logo_uri: String,
    /// A colour for its pages.
    pub brand_color: String,
    /// Its people may not register applications.
    pub self_registration_off: bool,
    /// The policies that its clients may have; `None` for any.
    pub policy_ceiling: Option<Vec<Policy>>,
    /// What the applications get that its people register.
    pub application_preset: Option<Preset>,
}

impl WorkspaceSettings {
    /// The workspace that `base` becomes with these settings, if they are allowed.
    fn apply_to(&self, base: Workspace) -> Result<Workspace, Refusal> {
        if self.display_name.chars().count() > 100 || self.display_name.chars().any(char::is_control) {
            return Err(Refusal::InvalidField(
                "display_name",
                "must be at most 100 characters without control characters".into(),
            ));
        }
        check_lifetimes(self.lifetimes).map_err(|error| Refusal::InvalidField("lifetimes", error.description))?;
        let audience = check_audience(self.default_audience.clone());
        let login_uri = check_login_uri(&self.login_uri)?;
        let branding = check_branding(&self.logo_uri, &self.brand_color);
        Ok(Workspace {
            display_name: self.display_name.clone(),
            sign_in: self.sign_in_method(login_uri.is_some())?,
            login_uri,
            branding: branding.map_err(|(field, why)| Refusal::InvalidField(field, why.into()))?,
            self_registration: !self.self_registration_off,
            policy_ceiling: self.policy_ceiling.clone(),
            application_preset: self.application_preset,
            default_audience: audience.map_err(|error| Refusal::InvalidField("default_audience", error.description))?,
            lifetimes: self.lifetimes,
            suspended: self.suspended,
            ..base
        })
    }
}

impl WorkspaceSettings {
    fn sign_in_method(&self, has_login_uri: bool) -> Result<SignInMethod, Refusal> {
        match (self.sign_in, has_login_uri) {
            (None | Some(SignInMethod::Application), true) => Ok(SignInMethod::Application),
            (None | Some(SignInMethod::Directory), false) => Ok(SignInMethod::Directory),
            (Some(method), _) if method != SignInMethod::Application => Ok(method),
            (_, _) => Err(Refusal::InvalidField("sign_in", "application needs a login_uri".into())),
        }
    }
}

/// The handle must not travel in clear, so https except on loopback.
fn check_login_uri(text: &str) -> Result<Option<String>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let good = Url::parse(text).is_ok_and(|url| {
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        (url.scheme() == "https" || (url.scheme() == "http" && loopback)) && url.fragment().is_none() && url.username().is_empty()
    });
    if good && text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Some(text.to_owned()));
    }
    Err(Refusal::InvalidField(
        "login_uri",
        "must be an https URI of at most 512 characters without a fragment, or http on loopback".into(),
    ))
}

impl Engine {
    /// Creates a workspace and its first signing key, which signs at once.
    ///
    /// # Errors
    /// `InvalidField` for a bad or reserved name, `AlreadyExists`.
    pub async fn create_workspace(
        &self,
        _caller: Administrator,
        name: &str,
        settings: &WorkspaceSettings,
    ) -> Result<Arc<WorkspaceEntry>, Refusal> {
        let invalid = |why: String| Refusal::InvalidField("name", why.into());
        let parsed = WorkspaceName::parse(name).map_err(|error| invalid(error.to_string()))?;
        if name.is_empty() || parsed.reserved() {
            return Err(invalid("is a path of the server itself: choose another".to_owned()));
        }
        self.check_sign_in(settings)?;
        let writing = self.workspaces.write().await;
        if self.newest_entry(&writing, &parsed).await?.is_some() {
            return Err(EXISTS);
        }
        let entry = self.make_workspace(parsed, settings).await?;
        self.workspaces.put(&writing, entry.clone());
        Ok(Arc::new(entry))
    }

    fn check_sign_in(&self, settings: &WorkspaceSettings) -> Result<(), Refusal> {
        if settings.sign_in == Some(SignInMethod::CredentialCheck) && self.people.credential_check.is_none() {
            return Err(Refusal::InvalidField(
                "sign_in",
                "credential_check needs hooks.credential_check_uri to be configured".into(),
            ));
        }
        Ok(())
    }

    /// Keeps a new workspace with its first key.
    pub(super) async fn make_workspace(
        &self,
        name: WorkspaceName,
        settings: &WorkspaceSettings,
    ) -> Result<WorkspaceEntry, Refusal> {
        let now = self.now();
        let id = WorkspaceId(self.entropy.array()?);
        let blank = Workspace {
            id,
            name,
            display_name: String::new(),
            sign_in: SignInMethod::Directory,
            login_uri: None,
            branding: Branding::default(),
            self_registration: true,
            policy_ceiling: None,
            application_preset: None,
            default_audience: None,
            lifetimes: Lifetimes::default(),
            suspended: false,
            created_at: now,
            revision: 1,
        };
        let record = settings.apply_to(blank)?;
        let key = new_signing_key(
            id,
            KeyTimes { announced_at: now, active_from: now, serial: 1 },
            self.data_keys.newest(),
            &*self.entropy,
        )?;
        if !self.store.insert_workspace(&record, &key).await? {
            return Err(EXISTS);
        }
        let keys = KeyRing::open(id, vec![key], &self.data_keys, self.settings.clock_skew).map_err(OAuthError::server_error)?;
        Ok(WorkspaceEntry { issuer: issuer_of(&self.settings, &record.name), record, keys })
    }

    /// Reads one workspace.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn read_workspace(&self, _caller: Administrator, name: &str) -> Result<Arc<WorkspaceEntry>, Refusal> {
        let name = WorkspaceName::parse(name).map_err(|_| UNKNOWN)?;
        self.workspaces.get(&name).ok_or(UNKNOWN)
    }

    /// One page of the workspaces, in the order of their names, and the first of the next.
    #[must_use]
    pub fn list_workspaces(&self, _caller: Administrator, page: &PageRequest) -> Vec<Arc<WorkspaceEntry>> {
        let all = self.workspaces.all().into_iter();
        let behind = |entry: &Arc<WorkspaceEntry>| page.after.as_deref().is_none_or(|after| entry.record.name.as_str() > after);
        all.filter(behind).take(page.limit()).collect()
    }

    /// Replaces a workspace's settings; `revision` 0 changes whatever is there.
    ///
    /// # Errors
    /// `InvalidField`, `NotFound`, and `Changed` when it has another revision.
    pub async fn update_workspace(
        &self,
        _caller: Administrator,
        name: &str,
        settings: &WorkspaceSettings,
        revision: u64,
    ) -> Result<Arc<WorkspaceEntry>, Refusal> {
        let name = WorkspaceName::parse(name).map_err(|_| UNKNOWN)?;
        self.check_sign_in(settings)?;
        let writing = self.workspaces.write().await;
        loop {
            let before = self.newest_entry(&writing, &name).await?.ok_or(UNKNOWN)?;
            let expected = before.record.revision;
            if revision != 0 && revision != expected {
                return Err(CHANGED);
            }
            let changed = settings.apply_to(before.record.clone())?;
            let record = Workspace { revision: expected.saturating_add(1), ..changed };
            match self.store.replace_workspace(expected, &record).await? {
                Replaced::Done => {
                    let entry = WorkspaceEntry { record, issuer: before.issuer.clone(), keys: before.keys.clone() };
                    self.workspaces.put(&writing, entry.clone());
                    return Ok(Arc::new(entry));
                }
                Replaced::Missing => return Err(UNKNOWN),
                // Another replica was faster: again on what it made of it, unless this was about what it was.
                Replaced::Changed if revision == 0 && self.store.shared() => {}
                Replaced::Changed => return Err(CHANGED),
            }
        }
    }

    /// Deletes a workspace and all that is in it.
    ///
    /// # Errors
    /// `NotFound`, and `InvalidField` for the default workspace, which always exists.
    pub async fn delete_workspace(&self, _caller: Administrator, name: &str) -> Result<(), Refusal> {
        let name = WorkspaceName::parse(name).map_err(|_| UNKNOWN)?;
        if name.default() {
            return Err(Refusal::InvalidField("name", "the default workspace cannot be deleted; it can be suspended".into()));
        }
        let writing = self.workspaces.write().await;
        let entry = self.newest_entry(&writing, &name).await?.ok_or(UNKNOWN)?;
        let deleted = self.store.delete_workspace(entry.record.id).await?;
        self.workspaces.remove(&writing, &name);
        if deleted { Ok(()) } else { Err(UNKNOWN) }
    }
}
