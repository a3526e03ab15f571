//! The scope registry of a workspace: what its scope tokens mean, in words for people.

use crate::engine::Engine;
use crate::engine::trusted::Administrator;
use crate::store::StoreError;
use crate::store::scope::ScopeEntry;
use crate::types::error::Refusal;
use crate::types::ids::{WorkspaceId, WorkspaceName};
use crate::types::scope::Scope;

const MAX_DESCRIPTION_CHARACTERS: usize = 200;

/// A scope token, and what a person is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeInWords {
    /// The token.
    pub name: String,
    /// Empty when nobody described it.
    pub description: String,
}

impl From<ScopeEntry> for ScopeInWords {
    fn from(entry: ScopeEntry) -> Self {
        Self { name: entry.name, description: entry.description }
    }
}

impl Engine {
    /// Describes a scope token, in place of what was said before.
    ///
    /// # Errors
    /// `InvalidField` for what is no scope token or no description.
    pub async fn set_scope(
        &self,
        _caller: Administrator,
        workspace: &WorkspaceName,
        entry: ScopeEntry,
    ) -> Result<ScopeEntry, Refusal> {
        let id = self.workspace(workspace)?.record.id;
        check_token(&entry.name)?;
        let characters = entry.description.chars().count();
        let printable = !entry.description.trim().is_empty() && !entry.description.chars().any(char::is_control);
        if !printable || characters > MAX_DESCRIPTION_CHARACTERS {
            return Err(Refusal::InvalidField("description", "must be 1 to 200 characters without control characters".into()));
        }
        self.store.put_scope(id, &entry).await?;
        Ok(entry)
    }

    /// The registry, in the order of the names.
    ///
    /// # Errors
    /// `NotFound` for an unknown workspace.
    pub async fn list_scopes(&self, _caller: Administrator, workspace: &WorkspaceName) -> Result<Vec<ScopeEntry>, Refusal> {
        Ok(self.store.scopes(self.workspace(workspace)?.record.id).await?)
    }

    /// Removes a description; clients keep the scope.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_scope(&self, _caller: Administrator, workspace: &WorkspaceName, name: &str) -> Result<(), Refusal> {
        let unknown = Refusal::NotFound("there is no such scope in the registry of this workspace");
        let id = self.workspace(workspace)?.record.id;
        let known = check_token(name).is_ok() && self.store.delete_scope(id, name).await?;
        if known { Ok(()) } else { Err(unknown) }
    }

    /// Every token of a scope, in its order, as a person reads it.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn in_words(&self, workspace: WorkspaceId, scope: &Scope) -> Result<Vec<ScopeInWords>, StoreError> {
        let registry = self.store.scopes(workspace).await?;
        let described = |name: &str| registry.iter().find(|entry| entry.name == name).map(|entry| entry.description.clone());
        let word = |name: &str| ScopeInWords { name: name.to_owned(), description: described(name).unwrap_or_default() };
        Ok(scope.tokens().map(word).collect())
    }
}

/// One scope token (RFC 6749 section 3.3); `*` stands for others and means nothing by itself.
fn check_token(name: &str) -> Result<(), Refusal> {
    let one = Scope::parse(name).is_ok_and(|scope| scope.tokens().eq([name]));
    match name {
        "*" => Err(Refusal::InvalidField("name", "must be the name of one scope, not *".into())),
        _ if one => Ok(()),
        _ => Err(Refusal::InvalidField(
            "name",
            "must be one scope token: printable, without spaces, quotes and backslashes".into(),
        )),
    }
}
