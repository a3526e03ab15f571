//! Keys of records: the workspace's id stands before everything in it.

use crate::types::ids::{ClientId, GrantId, Subject, WorkspaceId};

/// A client's key.
pub fn client(workspace: WorkspaceId, id: &ClientId) -> Vec<u8> {
    within(workspace, id.as_str().as_bytes())
}

/// A user's key.
pub fn user(workspace: WorkspaceId, subject: &Subject) -> Vec<u8> {
    within(workspace, subject.as_str().as_bytes())
}

/// A grant's key: grants of a workspace lie in the order of their making.
pub fn grant(workspace: WorkspaceId, id: GrantId) -> [u8; 32] {
    let mut key = [0; 32];
    let (head, tail) = key.split_at_mut(16);
    head.copy_from_slice(&workspace.0);
    tail.copy_from_slice(&id.0);
    key
}

/// The key of a thing of that name.
pub fn within(workspace: WorkspaceId, name: &[u8]) -> Vec<u8> {
    [workspace.0.as_slice(), name].concat()
}
