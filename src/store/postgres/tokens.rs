//! What is short-lived: marks on access tokens, what is used once; and what the store says of itself.

use crate::store::feed::FeedVersion;
use crate::store::postgres::base::{Base, Returned, column};
use crate::store::postgres::changes::{ChangeRow, slot_of};
use crate::store::postgres::request::Parameter;
use crate::store::postgres::value::workspace_value;
use crate::store::token::{SingleUse, SingleUseKind};
use crate::store::{Size, StoreError};
use crate::types::ids::WorkspaceId;
use crate::types::time::UnixSeconds;

/// What is used once is good for a day at most; an hour more, because the clocks of replicas differ.
const LONGEST_USE: i64 = 90_000;

impl Base {
    /// The mark is its row of the feed.  Two rows of one token say the same.
    pub(super) async fn mark_token(&self, workspace: WorkspaceId, jti: &str, until: UnixSeconds) -> Result<(), StoreError> {
        let statement = "WITH moved AS (UPDATE feed SET version = version + 1 RETURNING version) \
                         INSERT INTO changes (slot, version, at, kind, workspace, key, value) \
                         SELECT $1::smallint, version, $2::bigint, $3::smallint, $4::bytea, $5::bytea, $6::bigint FROM moved \
                         RETURNING version";
        self.tell(statement, &ChangeRow::token(workspace, jti, until), Vec::new()).await.map(drop)
    }

    /// After a lost connection nobody knows whose use the one that is there was: it counts as another's.
    pub(super) async fn use_up(&self, workspace: WorkspaceId, once: &SingleUse) -> Result<bool, StoreError> {
        let latest = self.clock.now().seconds().plus(LONGEST_USE);
        if once.until > latest {
            return Err(StoreError::Refused("what is used once must end within a day".to_owned()));
        }
        let kind: i16 = match once.kind {
            SingleUseKind::Assertion => 1,
            SingleUseKind::DpopProof => 2,
        };
        let statement = "INSERT INTO single_uses (workspace, slot, kind, id, until) VALUES ($1, $2, $3, $4, $5) \
                         ON CONFLICT DO NOTHING RETURNING 1";
        let values: Vec<Parameter> = vec![
            workspace_value(workspace),
            Box::new(slot_of(once.until)),
            Box::new(kind),
            Box::new(once.id.to_vec()),
            Box::new(once.until.0),
        ];
        let Returned { rows, .. } = self.call(statement, values).await?;
        Ok(!rows.is_empty())
    }

    pub(super) async fn feed_head(&self) -> Result<FeedVersion, StoreError> {
        let rows = self.call("SELECT version FROM feed", Vec::new()).await?.rows;
        let version: i64 = rows.first().map_or(Ok(0), |row| column(row, 0))?;
        Ok(FeedVersion(u64::try_from(version).unwrap_or_default()))
    }

    pub(super) async fn size(&self) -> Result<Size, StoreError> {
        let rows = self.call("SELECT pg_database_size(current_database())", Vec::new()).await?.rows;
        let bytes: i64 = rows.first().map_or(Ok(0), |row| column(row, 0))?;
        Ok(Size { disk_bytes: u64::try_from(bytes).unwrap_or_default(), free_bytes: None })
    }

    /// This replica follows the feed no longer.
    pub(super) async fn leave(&self) {
        let statement = "DELETE FROM replicas WHERE id = $1";
        if let Err(error) = self.call(statement, vec![Box::new(self.replica.to_vec())]).await {
            tracing::debug!(%error, "the database still has this replica in its list; it goes after a day");
        }
    }
}
