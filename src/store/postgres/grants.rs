//! Grants: the operations that are asked for thousands of times a second.

use crate::store::grant::{Grant, State};
use crate::store::postgres::base::{Base, column, unexpected};
use crate::store::postgres::changes::ChangeRow;
use crate::store::postgres::request::{Answer, Answered, GrantRow, Parameter, Swap, Work};
use crate::store::{StoreError, Version, Versioned, codec, place};
use crate::types::ids::{GrantId, WorkspaceId};

const VERSION: &str = "SELECT version FROM grants WHERE workspace = $1 AND id = $2";

impl Base {
    pub(super) async fn add_grant(&self, workspace: WorkspaceId, id: GrantId, grant: &Grant) -> Result<bool, StoreError> {
        let row = self.row(workspace, id, grant)?;
        let version = row.version.clone();
        let Answered { answer, repeated } = self.ask(Work::Insert(row)).await?;
        self.happened(workspace, id, &version, &answer, repeated).await
    }

    pub(super) async fn load_grant(&self, workspace: WorkspaceId, id: GrantId) -> Result<Option<Versioned<Grant>>, StoreError> {
        let Some((version, bytes)) = self.bytes(workspace, id).await? else { return Ok(None) };
        let record = codec::decode(&place::grant(workspace, id), &bytes)?;
        Ok(Some(Versioned { record, version: Version(version) }))
    }

    pub(super) async fn replace_grant(
        &self,
        workspace: WorkspaceId,
        id: GrantId,
        was: &Version,
        next: &Grant,
    ) -> Result<bool, StoreError> {
        let row = self.row(workspace, id, next)?;
        let version = row.version.clone();
        let swap = Swap { was: was.0.clone(), row };
        let ends = matches!(next.state, State::Revoked(_));
        let work = if ends { Work::Revoke(swap) } else { Work::Swap(swap) };
        let Answered { answer, repeated } = self.ask(work).await?;
        let happened = self.happened(workspace, id, &version, &answer, repeated).await?;
        if ends && happened {
            // An end never changes again, so any version will do.
            self.marks.apply(&ChangeRow::grant(workspace, id), 0, self.clock.now().seconds());
            self.told.notify_one();
        }
        Ok(happened)
    }

    /// Whether a change is in place.  When it was repeated, it may have happened the first time; its version
    /// tells, since nobody else writes that one.  A yet later change by somebody else hides it: then whoever asked
    /// looks at the record again, as after any change that lost.
    async fn happened(
        &self,
        workspace: WorkspaceId,
        id: GrantId,
        version: &[u8],
        answer: &Answer,
        repeated: bool,
    ) -> Result<bool, StoreError> {
        match answer {
            Answer::Changed(false) if repeated => {
                let key: Vec<Parameter> = vec![Box::new(workspace.0.to_vec()), Box::new(id.0.to_vec())];
                let there = self.there(VERSION, key, true).await?;
                Ok(there.first().map(|row| column::<&[u8]>(row, 0)).transpose()?.is_some_and(|found| found == version))
            }
            Answer::Changed(changed) => Ok(*changed),
            Answer::Grant(_) | Answer::Standing(..) | Answer::Rows(_) => Err(unexpected()),
        }
    }

    async fn bytes(&self, workspace: WorkspaceId, id: GrantId) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        match self.ask(Work::Load { workspace: workspace.0, id: id.0 }).await?.answer {
            Answer::Grant(found) => Ok(found),
            Answer::Standing(..) | Answer::Changed(_) | Answer::Rows(_) => Err(unexpected()),
        }
    }

    fn row(&self, workspace: WorkspaceId, id: GrantId, grant: &Grant) -> Result<GrantRow, StoreError> {
        let mut version = vec![0; 16];
        let drawn = self.entropy.fill_id(&mut version);
        drawn.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let record = codec::encode(&place::grant(workspace, id), grant)?;
        Ok(GrantRow { workspace: workspace.0, id: id.0, version, sweep_at: sweep_at(grant), record })
    }
}

/// When a grant's row may be swept: its end, rounded up to a sixteenth of its life or less.  So this column, which
/// an index has, changes only now and then although every use moves the end of a refresh token, and a rotation
/// rewrites one heap tuple and no index.
#[must_use]
pub fn sweep_at(grant: &Grant) -> i64 {
    let end = grant.expires_at().0;
    let life = end.saturating_sub(grant.created_at.seconds().0).max(1);
    let step = 1_i64 << (life / 16).max(1).ilog2();
    end.div_euclid(step).saturating_add(i64::from(end.rem_euclid(step) != 0)).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::grant::Revoked;
    use crate::types::entropy::{Entropy, SeededEntropy};
    use crate::types::ids::ClientId;
    use crate::types::time::{UnixMillis, UnixSeconds};

    fn grant(life: i64) -> Grant {
        let entropy = SeededEntropy::new(1);
        let entropy: &dyn Entropy = &entropy;
        let end = UnixSeconds(1_800_000_000 + life);
        let revoked = Revoked { revoked_at: end, expires_at: end, reason: String::new(), code: None };
        Grant {
            client: ClientId::generate(entropy).unwrap(),
            created_at: UnixMillis(1_800_000_000_000),
            state: State::Revoked(revoked),
        }
    }

    #[test]
    fn a_grant_is_never_swept_before_its_end_and_little_after_it() {
        for life in [1, 59, 60, 61, 900, 3600, 86_400, 7_776_001] {
            let late = sweep_at(&grant(life)) - (1_800_000_000 + life);
            assert!((0..=life / 16).contains(&late), "{late} s late after {life} s");
        }
    }

    /// STORE section 8: rotations stay within the page.
    #[test]
    fn uses_of_a_refresh_token_seldom_move_when_it_is_swept() {
        let daily: std::collections::BTreeSet<i64> = (0..960).map(|use_| sweep_at(&grant(1_209_600 + use_ * 900))).collect();
        assert!(daily.len() <= 20, "{} values in ten days of uses", daily.len());
    }
}
