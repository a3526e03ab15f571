//! What every operation uses: the queue, and what this replica remembers.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use tokio::time::timeout_at;
use tokio_postgres::Row;

use crate::store::postgres::changes::{ChangeRow, slot_of};
use crate::store::postgres::marks::Marks;
use crate::store::postgres::queue::{Queue, unreachable};
use crate::store::postgres::request::{Answer, Answered, Parameter, Request, Until, Work};
use crate::store::{Health, StoreError};
use crate::types::entropy::Entropy;
use crate::types::time::Clock;

/// The store, as its lanes and its operations share it.
pub struct Base {
    /// Where requests wait for a lane.
    pub queue: Arc<Queue>,
    /// What was revoked.
    pub marks: Marks,
    /// How far the marks have followed the feed.
    pub followed: AtomicU64,
    /// Held while the feed is read, so that marks are applied in its order.
    pub following: Mutex<()>,
    /// Says that the feed may have something new.
    pub hint: watch::Sender<u64>,
    /// Something was appended to the feed by this replica.
    pub told: Notify,
    /// Whether this machine's clock was last found wrong.
    pub clock_wrong: AtomicBool,
    /// Names this replica.
    pub replica: [u8; 16],
    /// Whether the store may still be used.
    pub health: watch::Sender<Health>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Draws versions.
    pub entropy: Arc<dyn Entropy>,
    /// The longest that an operation may take.
    pub timeout: Duration,
}

/// What a statement returned, and whether it may have happened before.
pub struct Returned {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Whether it was sent before over a connection that broke: then no row may mean that it happened already.
    pub repeated: bool,
}

impl Base {
    /// Sends a request to whichever lane is free and waits for its answer.  It is carried out even if nobody waits.
    ///
    /// # Errors
    /// `Unavailable`; then it is not known whether it happened.
    pub fn ask(&self, work: Work) -> impl Future<Output = Result<Answered, StoreError>> + Send + use<> {
        let until = Until::new(self.timeout);
        let (request, mut answer) = Request::new(work, until.clone());
        let sent = self.queue.push(request);
        let (queue, timeout) = (Arc::clone(&self.queue), self.timeout);
        async move {
            sent?;
            let mut answered = timeout_at(until.first.into(), &mut answer).await;
            if answered.is_err() && until.in_doubt() {
                answered = timeout_at(until.last.into(), &mut answer).await;
            }
            match answered {
                Ok(Ok(answered)) => answered,
                Ok(Err(_)) | Err(_) => Err(queue.down().map_or_else(
                    || StoreError::Unavailable(format!("PostgreSQL gave no answer within {} ms", timeout.as_millis())),
                    |why| unreachable(&why),
                )),
            }
        }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// As [`Base::ask`].
    pub async fn call(
        &self,
        statement: impl Into<Cow<'static, str>>,
        parameters: Vec<Parameter>,
    ) -> Result<Returned, StoreError> {
        let Answered { answer, repeated } = self.ask(Work::Call(statement.into(), parameters)).await?;
        match answer {
            Answer::Rows(rows) => Ok(Returned { rows, repeated }),
            Answer::Grant(_) | Answer::Standing(..) | Answer::Changed(_) => Err(unexpected()),
        }
    }

    /// Looks at what is there.  After a connection broke, what is there may be a change whose standby never had it: no
    /// answer may rest on it.  So the look is then a write as well, of nothing: its commit waits for the standby to have
    /// everything before it, on the very server that was looked at.
    ///
    /// # Errors
    /// As [`Base::ask`].
    pub async fn there(&self, statement: &'static str, key: Vec<Parameter>, repeated: bool) -> Result<Vec<Row>, StoreError> {
        let statement = match repeated {
            false => Cow::Borrowed(statement),
            true => Cow::Owned(format!("WITH confirmed AS (UPDATE feed SET version = version) {statement}")),
        };
        Ok(self.call(statement, key).await?.rows)
    }

    /// Runs one statement that appends a row to the feed in the same commit, if it does anything.  The row's values
    /// are its parameters 1 to 6: slot, time, kind, workspace, key, value.
    ///
    /// # Errors
    /// As [`Base::ask`].
    pub async fn tell(&self, statement: &'static str, row: &ChangeRow, own: Vec<Parameter>) -> Result<Returned, StoreError> {
        let at = self.clock.now().seconds();
        let mut parameters: Vec<Parameter> = vec![
            Box::new(slot_of(at)),
            Box::new(at.0),
            Box::new(row.kind.number()),
            Box::new(row.workspace.0.to_vec()),
            Box::new(row.key.clone()),
            Box::new(row.value),
        ];
        parameters.extend(own);
        let returned = self.call(statement, parameters).await?;
        if let Some(version) = returned.rows.first().map(|row| column::<i64>(row, 0)).transpose()? {
            // Here it counts at once; the others hear of it.
            self.marks.apply(row, u64::try_from(version).unwrap_or_default(), at);
            self.told.notify_one();
        } else if returned.repeated {
            // It may have happened before its answer was lost: the feed tells.
            self.told.notify_one();
        }
        Ok(returned)
    }
}

/// An answer of another kind than was asked for.
pub fn unexpected() -> StoreError {
    StoreError::Unavailable("PostgreSQL answered something else than it was asked".to_owned())
}

/// What a row has in a column.
///
/// # Errors
/// When it has something else.
pub fn column<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(|error| StoreError::Unavailable(format!("PostgreSQL answered what cannot be read: {error}")))
}
