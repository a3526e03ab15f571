//! Entries of the scope registry as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::store::scope::ScopeEntry;

impl Record for ScopeEntry {
    const TREE: &'static str = "scopes";
    type Message = pb::ScopeEntry;

    fn to_message(&self) -> pb::ScopeEntry {
        pb::ScopeEntry { name: self.name.clone(), description: self.description.clone(), restricted: self.restricted }
    }

    fn from_message(message: pb::ScopeEntry) -> Option<Self> {
        let pb::ScopeEntry { name, description, restricted } = message;
        Some(Self { name, description, restricted })
    }
}
