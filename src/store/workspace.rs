//! A workspace as it is kept.

use crate::types::authorization::SignInMethod;
use crate::types::branding::Branding;
use crate::types::ids::{WorkspaceId, WorkspaceName};
use crate::types::lifetime::Lifetimes;
use crate::types::policy::{Policy, Preset};
use crate::types::time::UnixSeconds;

/// A workspace: its own issuer, keys, clients and users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Stands before the key of everything in it.
    pub id: WorkspaceId,
    /// Stands in its paths.
    pub name: WorkspaceName,
    /// What people see; the name when empty.
    pub display_name: String,
    /// Where its people sign in.
    pub sign_in: SignInMethod,
    /// The operator's login application.
    pub login_uri: Option<String>,
    /// How its pages look.
    pub branding: Branding,
    /// Whether its people may register applications.
    pub self_registration: bool,
    /// The compatibility policies that its clients may have; `None` for any.
    pub policy_ceiling: Option<Vec<Policy>>,
    /// What the applications get that its people register.
    pub application_preset: Option<Preset>,
    /// The audience of tokens of clients that have none of their own; the issuer when `None`.
    pub default_audience: Option<String>,
    /// For clients that have none of their own.
    pub lifetimes: Lifetimes,
    /// Issues nothing, and its tokens are not active.
    pub suspended: bool,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// Counts changes.
    pub revision: u64,
}
