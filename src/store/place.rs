//! Keys of records: the workspace's id stands before everything in it.

use crate::store::token::{SingleUse, SingleUseKind};
use crate::types::ids::{ClientId, GrantId, SessionId, Subject, WorkspaceId};
use crate::types::policy::Policy;

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

/// A session's key.
pub fn session(workspace: WorkspaceId, id: SessionId) -> Vec<u8> {
    within(workspace, &id.0)
}

/// What the keys of a person's consents begin with.  No subject has a zero byte, so none is the
/// beginning of another's.
pub fn consents(workspace: WorkspaceId, subject: &Subject) -> Vec<u8> {
    [workspace.0.as_slice(), subject.as_str().as_bytes(), &[0]].concat()
}

/// A consent's key.
pub fn consent(workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Vec<u8> {
    [consents(workspace, subject).as_slice(), client.as_str().as_bytes()].concat()
}

/// What the keys of the entries of a person's clients begin with: made like those of consents.
pub fn owned_by(workspace: WorkspaceId, owner: &Subject) -> Vec<u8> {
    consents(workspace, owner)
}

/// The key of an entry that tells whose client it is.
pub fn owned(workspace: WorkspaceId, owner: &Subject, client: &ClientId) -> Vec<u8> {
    consent(workspace, owner, client)
}

/// The key of the uses of a policy.  Client ids have one length, so none is the beginning of another.
pub fn policy_use(workspace: WorkspaceId, client: &ClientId, policy: Policy) -> Vec<u8> {
    [workspace.0.as_slice(), client.as_str().as_bytes(), policy.as_str().as_bytes()].concat()
}

/// The key of what is good for one use.
pub fn single_use(workspace: WorkspaceId, once: &SingleUse) -> Vec<u8> {
    let kind = match once.kind {
        SingleUseKind::Assertion => 1,
        SingleUseKind::DpopProof => 2,
    };
    [workspace.0.as_slice(), &[kind], &once.id, &once.until.0.to_be_bytes()].concat()
}

/// The key of a thing of that name.
pub fn within(workspace: WorkspaceId, name: &[u8]) -> Vec<u8> {
    [workspace.0.as_slice(), name].concat()
}
