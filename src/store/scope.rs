//! An entry of a workspace's scope registry as it is kept.

/// What a scope token is, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeEntry {
    /// The token.
    pub name: String,
    /// What it allows, in a person's words.
    pub description: String,
    /// Only an administrator may give it to an application.
    pub restricted: bool,
}
