//! Runs requests over one connection: one by itself, several of a kind as one statement.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::store::postgres::batch::{Columns, Outcome};
use crate::store::postgres::changes::{ChangeKind, slot_of};
use crate::store::postgres::connect::Session;
use crate::store::postgres::fault::Fault;
use crate::store::postgres::request::{Answer, GrantRow, Kind, Request, Swap, Work};
use crate::store::postgres::sql;
use crate::types::time::Clock;

/// A connection, and what is prepared on it.
pub struct Connection {
    client: Client,
    warnings: Arc<AtomicU64>,
    prepared: HashMap<&'static str, Statement>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Connection {
    /// Nothing is prepared yet.  A statement that gives no answer for longer than `patience` is in doubt.
    #[must_use]
    pub fn new(session: Session, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        let Session { client, warnings, .. } = session;
        Self { client, warnings, prepared: HashMap::new(), clock, patience }
    }

    /// Whether it is known to be broken.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs requests of one kind.  Those that a batch left out come back, to go by themselves.
    ///
    /// # Errors
    /// The fault, with the requests that have no answer.
    pub async fn run(&mut self, requests: Vec<Request>) -> Result<Vec<Request>, (Fault, Vec<Request>)> {
        let warned = self.warnings.load(Ordering::SeqCst);
        let begun = Instant::now();
        // No cancel is ever sent: it would end a commit's wait for the standby, and the commit would stand.
        let outcome = match tokio::time::timeout(self.patience, self.statement(&requests)).await {
            Ok(outcome) => outcome.map_err(|error| Fault::of(&error)),
            Err(_) => Err(Fault::Silent(format!("no answer within {} s", self.patience.as_secs()))),
        };
        metrics::histogram!("jeton_store_statement_duration_seconds").record(begun.elapsed());
        #[allow(clippy::cast_precision_loss)] // A histogram counts in floats.
        metrics::histogram!("jeton_store_batch_size").record(requests.len() as f64);
        match outcome {
            // The server warns when a commit did not wait for its standby after all.
            Ok(_) if self.warnings.load(Ordering::SeqCst) != warned => {
                Err((Fault::InDoubt("the server answered with a warning".to_owned()), requests))
            }
            Ok(outcome) => Ok(outcome.answer(requests)),
            Err(fault) => {
                if matches!(fault, Fault::Stale(_)) {
                    self.prepared.clear();
                }
                Err((fault, requests))
            }
        }
    }

    async fn statement(&mut self, requests: &[Request]) -> Result<Outcome, Error> {
        let now = self.clock.now().seconds();
        let (slot, kind) = (slot_of(now), ChangeKind::Grant.number());
        let now = now.0;
        match requests {
            [] => Ok(Outcome::Changed(HashSet::new())),
            [one] => match &one.work {
                Work::Load { workspace, id } => {
                    let rows = self.query(sql::LOAD, &[&workspace.as_slice(), &id.as_slice()]).await?;
                    Ok(Outcome::Single(Answer::Grant(rows.first().map(|row| grant(row, 0)).transpose()?)))
                }
                Work::Insert(GrantRow { workspace, id, version, sweep_at, record }) => {
                    let values: [&(dyn ToSql + Sync); 5] = [&workspace.as_slice(), &id.as_slice(), version, sweep_at, record];
                    self.changed(sql::INSERT, &values).await
                }
                Work::Swap(Swap { was, row: GrantRow { workspace, id, version, sweep_at, record } }) => {
                    let values: [&(dyn ToSql + Sync); 6] =
                        [&workspace.as_slice(), &id.as_slice(), version, sweep_at, record, was];
                    self.changed(sql::SWAP, &values).await
                }
                Work::Revoke(Swap { was, row: GrantRow { workspace, id, version, sweep_at, record } }) => {
                    let values: [&(dyn ToSql + Sync); 9] =
                        [&workspace.as_slice(), &id.as_slice(), version, sweep_at, record, was, &slot, &now, &kind];
                    self.changed(sql::REVOKE, &values).await
                }
                Work::Standing { .. } => self.standing(&Columns::of(requests)).await,
                Work::Call(statement, parameters) => {
                    let values: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| &**value as _).collect();
                    let rows = match statement {
                        Cow::Borrowed(statement) => self.query(statement, &values).await?,
                        Cow::Owned(statement) => self.client.query(statement, &values).await?,
                    };
                    Ok(Outcome::Single(Answer::Rows(rows)))
                }
                Work::Script(text) => {
                    self.client.batch_execute(text).await?;
                    Ok(Outcome::Single(Answer::Rows(Vec::new())))
                }
            },
            many @ [first, ..] => {
                let columns = Columns::of(many);
                let Columns { workspaces, ids, versions, sweeps, records, were, .. } = &columns;
                match first.work.kind() {
                    Kind::Load => {
                        let rows = self.query(sql::LOAD_MANY, &[workspaces, ids]).await?;
                        let mut found = HashMap::with_capacity(rows.len());
                        for row in &rows {
                            found.insert(row.try_get::<_, i64>(0)?, grant(row, 1)?);
                        }
                        Ok(Outcome::Grants(found))
                    }
                    Kind::Standing => self.standing(&columns).await,
                    Kind::Insert => {
                        let values: [&(dyn ToSql + Sync); 5] = [workspaces, ids, versions, sweeps, records];
                        self.changed_many(sql::INSERT_MANY, &values).await
                    }
                    Kind::Swap => {
                        let values: [&(dyn ToSql + Sync); 6] = [workspaces, ids, versions, sweeps, records, were];
                        self.changed_many(sql::SWAP_MANY, &values).await
                    }
                    Kind::Revoke => {
                        let values: [&(dyn ToSql + Sync); 9] =
                            [workspaces, ids, versions, sweeps, records, were, &slot, &now, &kind];
                        self.changed_many(sql::REVOKE_MANY, &values).await
                    }
                    // The queue gives these one by one.
                    Kind::Alone => Ok(Outcome::Changed(HashSet::new())),
                }
            }
        }
    }

    async fn standing(&mut self, columns: &Columns<'_>) -> Result<Outcome, Error> {
        let Columns { workspaces, subjects, clients, .. } = columns;
        let mut found = HashMap::new();
        for row in self.query(sql::STANDING, &[workspaces, subjects, clients]).await? {
            found.insert(row.try_get::<_, i64>(0)?, (row.try_get(1)?, row.try_get(2)?));
        }
        Ok(Outcome::Standings(found))
    }

    async fn changed(&mut self, statement: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Outcome, Error> {
        let rows = self.query(statement, values).await?;
        Ok(Outcome::Single(Answer::Changed(!rows.is_empty())))
    }

    async fn changed_many(&mut self, statement: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Outcome, Error> {
        let rows = self.query(statement, values).await?;
        let versions: Result<HashSet<Vec<u8>>, Error> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(Outcome::Changed(versions?))
    }

    async fn query(&mut self, statement: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let prepared = match self.prepared.get(statement) {
            Some(prepared) => prepared.clone(),
            None => {
                let prepared = self.client.prepare(statement).await?;
                self.prepared.insert(statement, prepared.clone());
                prepared
            }
        };
        self.client.query(&prepared, values).await
    }
}

/// A version and a record, from a column on.
fn grant(row: &Row, first: usize) -> Result<(Vec<u8>, Vec<u8>), Error> {
    Ok((row.try_get(first)?, row.try_get(first.saturating_add(1))?))
}
