//! What was revoked, wholly in memory: introspection needs no round trip.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::store::postgres::changes::{ChangeKind, ChangeRow, KEPT_SECONDS, consent_key};
use crate::store::token::IssuedToken;
use crate::types::ids::WorkspaceId;
use crate::types::time::UnixSeconds;

type Key = Box<[u8]>;

/// The marks of every workspace.
#[derive(Default)]
pub struct Marks(RwLock<HashMap<Key, Mark>>);

#[derive(Clone, Copy)]
struct Mark {
    value: i64,
    version: u64,
    /// Afterwards it says nothing new.
    until: UnixSeconds,
}

impl Marks {
    /// Remembers a row of the feed that was written at `at`, unless a later one of its key is known.
    pub fn apply(&self, row: &ChangeRow, version: u64, at: UnixSeconds) {
        apply(&mut self.0.write().unwrap_or_else(PoisonError::into_inner), row, version, at);
    }

    /// Remembers these rows and nothing else, in one step.
    pub fn start_over(&self, rows: &[(u64, UnixSeconds, ChangeRow)]) {
        let mut marks = HashMap::with_capacity(rows.len());
        rows.iter().for_each(|(version, at, row)| apply(&mut marks, row, *version, *at));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = marks;
    }

    /// Whether nothing that a token rests on was revoked.
    #[must_use]
    pub fn stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> bool {
        let marks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if marks.is_empty() {
            return true;
        }
        let value = |kind, of: &[u8]| marks.get(&key(workspace, kind, of)).map(|mark| mark.value);
        if value(ChangeKind::Token, token.jti.as_bytes()).is_some() {
            return false;
        }
        let Some(grant) = token.grant else { return true };
        // The grant's age counts, not the token's: one that was minted beside a revocation is younger than it.
        let ended = |not_before: Option<i64>| not_before.is_some_and(|not_before| grant.made_at().0 <= not_before);
        value(ChangeKind::Grant, &grant.0).is_none()
            && !ended(value(ChangeKind::Subject, token.subject.as_str().as_bytes()))
            && !ended(value(ChangeKind::Consent, &consent_key(token.subject, token.client)))
    }

    /// Forgets up to `limit` marks that say nothing new any more; answers how many.
    pub fn forget(&self, now: UnixSeconds, limit: usize) -> usize {
        let mut marks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<Key> = marks.iter().filter(|(_, mark)| mark.until <= now).map(|(key, _)| key.clone()).take(limit).collect();
        for key in &over {
            marks.remove(key);
        }
        over.len()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn apply(marks: &mut HashMap<Key, Mark>, row: &ChangeRow, version: u64, at: UnixSeconds) {
    let until = match row.kind {
        ChangeKind::Token => UnixSeconds(row.value),
        ChangeKind::Grant | ChangeKind::Subject | ChangeKind::Consent => at.plus(KEPT_SECONDS),
        // These are the engine's.
        ChangeKind::Workspace | ChangeKind::SigningKeys | ChangeKind::Client => return,
    };
    let mark = Mark { value: row.value, version, until };
    let kept = marks.entry(key(row.workspace, row.kind, &row.key)).or_insert(mark);
    if kept.version <= version {
        *kept = mark;
    }
}

fn key(workspace: WorkspaceId, kind: ChangeKind, of: &[u8]) -> Key {
    [workspace.0.as_slice(), &kind.number().to_be_bytes(), of].concat().into()
}
