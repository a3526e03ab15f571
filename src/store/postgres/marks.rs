//! What was revoked, wholly in memory: introspection needs no round trip.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use crate::store::postgres::changes::{ChangeKind, ChangeRow, KEPT_SECONDS, consent_key};
use crate::store::token::IssuedToken;
use crate::types::ids::WorkspaceId;
use crate::types::time::UnixSeconds;

type Key = Arc<[u8]>;

/// The marks of every workspace.
#[derive(Default)]
pub struct Marks(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    marks: HashMap<Key, Mark>,
    /// The keys by when they say nothing new any more, so that forgetting looks at no others.
    ends: BTreeMap<UnixSeconds, Vec<Key>>,
}

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
        let mut kept = Kept::default();
        rows.iter().for_each(|(version, at, row)| apply(&mut kept, row, *version, *at));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// Whether nothing that a token rests on was revoked.
    #[must_use]
    pub fn stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> bool {
        let marks = &self.0.read().unwrap_or_else(PoisonError::into_inner).marks;
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
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Kept { marks, ends } = &mut *kept;
        let mut forgotten = 0_usize;
        while forgotten < limit {
            let Some(mut end) = ends.first_entry().filter(|end| *end.key() <= now) else { break };
            let Some(key) = end.get_mut().pop() else {
                end.remove();
                continue;
            };
            // A later mark of the same key has a later end.
            if marks.get(&key).is_some_and(|mark| mark.until <= now) {
                marks.remove(&key);
                forgotten = forgotten.saturating_add(1);
            }
        }
        forgotten
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).marks.len()
    }
}

fn apply(kept: &mut Kept, row: &ChangeRow, version: u64, at: UnixSeconds) {
    let until = match row.kind {
        ChangeKind::Token => UnixSeconds(row.value),
        ChangeKind::Grant | ChangeKind::Subject | ChangeKind::Consent => at.plus(KEPT_SECONDS),
        // These are the engine's.
        ChangeKind::Workspace | ChangeKind::SigningKeys | ChangeKind::Client => return,
    };
    let mark = Mark { value: row.value, version, until };
    let key = key(row.workspace, row.kind, &row.key);
    match kept.marks.get_mut(&key) {
        // A later one of its key is known.
        Some(before) if before.version > version => return,
        Some(before) => *before = mark,
        None => {
            kept.marks.insert(Arc::clone(&key), mark);
        }
    }
    kept.ends.entry(until).or_default().push(key);
}

fn key(workspace: WorkspaceId, kind: ChangeKind, of: &[u8]) -> Key {
    [workspace.0.as_slice(), &kind.number().to_be_bytes(), of].concat().into()
}
