//! What the statements are made of: values, records, and the row of the feed that a change brings.

use tokio_postgres::Row;

use crate::store::codec::Record;
use crate::store::postgres::base::{Base, Returned, column};
use crate::store::postgres::request::Parameter;
use crate::store::{Replaced, StoreError, codec};
use crate::types::ids::WorkspaceId;

/// A change, and its row of the feed in the same commit.
macro_rules! telling {
    ($change:literal) => {
        concat!(
            "WITH done AS (",
            $change,
            " RETURNING 1), moved AS (",
            "UPDATE feed SET version = version + 1 WHERE EXISTS (SELECT 1 FROM done) RETURNING version) ",
            "INSERT INTO changes (slot, version, at, kind, workspace, key, value) ",
            "SELECT $1::smallint, version, $2::bigint, $3::smallint, $4::bytea, $5::bytea, $6::bigint FROM moved ",
            "RETURNING version"
        )
    };
}
pub(super) use telling;

/// A workspace's id as a value.
pub fn workspace_value(workspace: WorkspaceId) -> Parameter {
    Box::new(workspace.0.to_vec())
}

/// A text as a value.
pub fn text(text: &str) -> Parameter {
    Box::new(text.to_owned())
}

/// A number as a value.
pub fn number(number: u64) -> Parameter {
    Box::new(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A limit as a value.
pub fn count(limit: usize) -> Parameter {
    Box::new(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// The records of rows whose first column is what their keys are made of, and whose second the record.
///
/// # Errors
/// `Damaged`, `Refused`.
pub fn records<R: Record>(rows: &[Row], key: impl Fn(&str) -> Vec<u8>) -> Result<Vec<R>, StoreError> {
    rows.iter().map(|row| codec::decode(&key(column(row, 0)?), column(row, 1)?)).collect()
}

/// The record of the only row, which has nothing else.
///
/// # Errors
/// `Damaged`, `Refused`.
pub fn record<R: Record>(rows: &[Row], key: &[u8]) -> Result<Option<R>, StoreError> {
    rows.first().map(|row| codec::decode(key, column(row, 0)?)).transpose()
}

impl Base {
    /// Whether an insertion happened: now, or before its answer was lost.
    ///
    /// # Errors
    /// Those of the look at what is there.
    pub(super) async fn inserted(
        &self,
        returned: Returned,
        look: &'static str,
        key: Vec<Parameter>,
        mine: &[u8],
    ) -> Result<bool, StoreError> {
        if !returned.rows.is_empty() || !returned.repeated {
            return Ok(!returned.rows.is_empty());
        }
        let there = self.there(look, key, true).await?;
        Ok(there.first().map(|row| column::<&[u8]>(row, 0)).transpose()?.is_some_and(|there| there == mine))
    }

    /// What became of a replacement.
    ///
    /// # Errors
    /// Those of the look at what is there.
    pub(super) async fn replaced(
        &self,
        returned: Returned,
        look: &'static str,
        key: Vec<Parameter>,
        mine: &[u8],
    ) -> Result<Replaced, StoreError> {
        if !returned.rows.is_empty() {
            return Ok(Replaced::Done);
        }
        let rows = self.there(look, key, returned.repeated).await?;
        match rows.first().map(|row| column::<&[u8]>(row, 0)).transpose()? {
            None => Ok(Replaced::Missing),
            Some(there) if returned.repeated && there == mine => Ok(Replaced::Done),
            Some(_) => Ok(Replaced::Changed),
        }
    }

    /// Whether a deletion happened: now, or before its answer was lost.
    ///
    /// # Errors
    /// Those of the look at what is there; `Unavailable` when the server that took over never heard of it.
    pub(super) async fn removed(&self, returned: Returned, look: &'static str, key: Vec<Parameter>) -> Result<bool, StoreError> {
        if !returned.rows.is_empty() || !returned.repeated {
            return Ok(!returned.rows.is_empty());
        }
        match self.there(look, key, true).await?.is_empty() {
            true => Ok(true),
            false => Err(StoreError::Unavailable("the deletion did not happen: try again".to_owned())),
        }
    }
}

/// The workspace before what else a statement needs.
pub fn behind(workspace: WorkspaceId, mut own: Vec<Parameter>) -> Vec<Parameter> {
    own.insert(0, workspace_value(workspace));
    own
}
