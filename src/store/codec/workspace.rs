//! Workspaces, and the index of their names, as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::{Record, field};
use crate::store::workspace::Workspace;
use crate::types::authorization::SignInMethod;
use crate::types::ids::{WorkspaceId, WorkspaceName};
use crate::types::policy::{Policy, Preset};
use crate::types::time::UnixSeconds;

impl Record for Workspace {
    const TREE: &'static str = "workspaces";
    type Message = pb::Workspace;

    fn to_message(&self) -> pb::Workspace {
        pb::Workspace {
            id: self.id.0.to_vec(),
            name: self.name.as_str().to_owned(),
            display_name: self.display_name.clone(),
            login_uri: self.login_uri.clone().unwrap_or_default(),
            default_audience: self.default_audience.clone().unwrap_or_default(),
            lifetimes: Some(field::lifetimes_message(self.lifetimes)),
            suspended: self.suspended,
            created_at: self.created_at.0,
            revision: self.revision,
            sign_in: self.sign_in.as_str().to_owned(),
            branding: Some(field::branding_message(&self.branding)),
            self_registration_off: !self.self_registration,
            has_policy_ceiling: self.policy_ceiling.is_some(),
            application_preset: self.application_preset.map(|preset| preset.as_str().to_owned()).unwrap_or_default(),
            policy_ceiling: self.policy_ceiling.iter().flatten().map(|policy| policy.as_str().to_owned()).collect(),
        }
    }

    fn from_message(message: pb::Workspace) -> Option<Self> {
        let login_uri = field::text(message.login_uri);
        let ceiling = message.policy_ceiling.iter().map(|name| Policy::from_name(name)).collect::<Option<Vec<_>>>()?;
        Some(Self {
            sign_in: match (message.sign_in.as_str(), &login_uri) {
                // As it was before there was a choice.
                ("", Some(_)) => SignInMethod::Application,
                ("", None) => SignInMethod::Directory,
                (name, _) => SignInMethod::from_name(name)?,
            },
            branding: field::branding(message.branding),
            self_registration: !message.self_registration_off,
            policy_ceiling: message.has_policy_ceiling.then_some(ceiling),
            application_preset: match message.application_preset.as_str() {
                "" => None,
                name => Some(Preset::from_name(name)?),
            },
            id: WorkspaceId(message.id.try_into().ok()?),
            name: WorkspaceName::parse(&message.name).ok()?,
            display_name: message.display_name,
            login_uri,
            default_audience: field::text(message.default_audience),
            lifetimes: field::lifetimes(message.lifetimes),
            suspended: message.suspended,
            created_at: UnixSeconds(message.created_at),
            revision: message.revision,
        })
    }
}

/// Under a workspace's name: whose it is.  Good only while that workspace exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameOwner(pub WorkspaceId);

impl Record for NameOwner {
    const TREE: &'static str = "workspace_names";
    // google.protobuf.BytesValue, as prost writes a plain vector.
    type Message = Vec<u8>;

    fn to_message(&self) -> Vec<u8> {
        self.0.0.to_vec()
    }

    fn from_message(message: Vec<u8>) -> Option<Self> {
        message.try_into().ok().map(|id| Self(WorkspaceId(id)))
    }
}
