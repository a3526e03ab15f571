//! Moving: the shared store as a source and as a target, over one connection of its own.
//!
//! Every step is one transaction.  While a deployment is moved in, and once it is moved away, `schema_info.fenced`
//! says so, which every replica reads with the feed; and once it is moved away, no table of records takes a row
//! any more, so that a replica that has not looked yet cannot answer with what is not in the dump.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, GenericClient, Transaction};

use crate::store::StoreError;
use crate::store::codec::{self, Record};
use crate::store::moving::{Counts, DumpId, Fence, Import, Item, Kind, Moving, Purpose, gap, not_empty, overtaken, wrong_counts};
use crate::store::postgres::base::column;
use crate::store::postgres::connect::{Connector, Session, describe};
use crate::store::postgres::options::PostgresOptions;
use crate::store::postgres::{migrate, server_settings};
use crate::types::entropy::Entropy;
use crate::types::time::Clock;

mod pages;
mod rows;

use pages::Tokens;

/// The rows of `moves`.
const AWAY: &str = "away";
const IN: &str = "in";

/// What holds records; nothing is added to them or changed in them once the deployment is moved away.
const TABLES: &[&str] = &[
    "workspaces",
    "signing_keys",
    "scopes",
    "clients",
    "users",
    "consents",
    "sessions",
    "policy_uses",
    "grants",
    "data_keys",
    "changes",
    "single_uses",
];

/// How often to try to fence tables that are in use, each time for two seconds.
const TRIES: u32 = 24;

/// A shared store that is moved.
pub struct PostgresMover {
    client: Mutex<Client>,
    tokens: Mutex<Tokens>,
    warnings: Arc<AtomicU64>,
    place: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl PostgresMover {
    /// Connects to a database whose schema this binary knows.
    ///
    /// # Errors
    /// `Refused` for a database that cannot be used, or not for this; `Unavailable` when it cannot be reached.
    pub async fn open(options: PostgresOptions, purpose: Purpose) -> Result<Self, StoreError> {
        let Session { client, warnings, .. } = Connector::new(&options)?.connect().await?;
        server_settings::check(&client).await?;
        migrate::check(&client).await?;
        // Counting a large table takes its time, and nobody waits for this connection.
        let settings = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
        client.batch_execute(settings).await.map_err(|error| failed(&error))?;
        let row = client.query_one("SELECT current_database()", &[]).await.map_err(|error| failed(&error))?;
        let mover = Self {
            client: Mutex::new(client),
            tokens: Mutex::default(),
            warnings,
            place: format!("the database {}", column::<&str>(&row, 0)?),
            clock: options.clock,
            entropy: options.entropy,
        };
        if purpose != Purpose::MoveAway
            && let Some(fence) = mover.fenced().await?
        {
            return Err(fence.refusal(&mover.place));
        }
        if purpose != Purpose::MoveInto
            && let Some(import) = mover.imported().await?
        {
            import.check_complete(&mover.place)?;
        }
        Ok(mover)
    }

    /// Commits.  The server only warns when it did not wait for its standby after all.
    async fn commit(&self, transaction: Transaction<'_>, warned: u64) -> Result<(), StoreError> {
        transaction.commit().await.map_err(|error| failed(&error))?;
        if self.warnings.load(Ordering::SeqCst) == warned {
            return Ok(());
        }
        Err(StoreError::Unavailable("the database did not wait for its standby: run the same command again".to_owned()))
    }

    /// One attempt at the fence; `None` when a table is in use.
    async fn try_fence(&self, fence: &Fence) -> Result<Option<Fence>, StoreError> {
        let warned = self.warnings.load(Ordering::SeqCst);
        let mut client = self.client.lock().await;
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        if let Some((standing, _)) = noted::<Fence>(&transaction, AWAY).await? {
            return Ok(Some(standing));
        }
        let refusal = fence.refusal(&self.place).to_string();
        let fenced = async {
            transaction.execute("UPDATE schema_info SET fenced = $1", &[&refusal]).await?;
            for table in TABLES {
                transaction
                    .batch_execute(&format!("ALTER TABLE {table} ADD CONSTRAINT moved_away CHECK (false) NOT VALID"))
                    .await?;
            }
            Ok::<(), Error>(())
        };
        let busy = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
        match fenced.await {
            Ok(()) => {}
            Err(error) if error.code().is_some_and(|code| busy.contains(code)) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        }
        note(&transaction, AWAY, fence, None).await?;
        self.commit(transaction, warned).await?;
        Ok(Some(fence.clone()))
    }
}

#[async_trait]
impl Moving for PostgresMover {
    fn source(&self) -> &'static str {
        "postgres"
    }

    async fn fence(&self, fence: &Fence) -> Result<Fence, StoreError> {
        for _ in 0..TRIES {
            if let Some(fence) = self.try_fence(fence).await? {
                return Ok(fence);
            }
        }
        Err(StoreError::Unavailable(
            "the deployment was not fenced: a table of it was always in use; stop the servers first".to_owned(),
        ))
    }

    async fn fenced(&self) -> Result<Option<Fence>, StoreError> {
        Ok(noted(&*self.client.lock().await, AWAY).await?.map(|(fence, _)| fence))
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        pages::counts(&*self.client.lock().await).await
    }

    async fn page(&self, kind: Kind, after: Option<&Item>, limit: usize) -> Result<Vec<Item>, StoreError> {
        let client = self.client.lock().await;
        match kind {
            Kind::RevokedTokens => self.tokens.lock().await.page(&client, after, limit).await,
            kind => pages::page(&client, kind, after, limit).await,
        }
    }

    async fn begin_import(&self, dump: DumpId) -> Result<Import, StoreError> {
        if let Some(fence) = self.fenced().await? {
            return Err(fence.refusal(&self.place));
        }
        if let Some(import) = self.imported().await? {
            return import.of(dump, &self.place);
        }
        let counts = self.counts().await?;
        if counts.total() > 0 {
            return Err(not_empty(&self.place, &counts));
        }
        let import = Import { dump, items: 0, complete: false };
        let unfinished = import.check_complete(&self.place).err().map(|refusal| refusal.to_string());
        let warned = self.warnings.load(Ordering::SeqCst);
        let mut client = self.client.lock().await;
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        note(&transaction, IN, &import, None).await?;
        let fenced = transaction.execute("UPDATE schema_info SET fenced = $1", &[&unfinished]).await;
        fenced.map_err(|error| failed(&error))?;
        self.commit(transaction, warned).await?;
        Ok(import)
    }

    async fn imported(&self) -> Result<Option<Import>, StoreError> {
        Ok(noted(&*self.client.lock().await, IN).await?.map(|(import, _)| import))
    }

    async fn put(&self, dump: DumpId, before: u64, items: &[Item]) -> Result<(), StoreError> {
        let warned = self.warnings.load(Ordering::SeqCst);
        let mut client = self.client.lock().await;
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        let (import, was) = import_of(&transaction, dump, &self.place).await?;
        let after = before.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
        if import.complete || import.items >= after {
            return Ok(());
        }
        if import.items < before {
            return Err(gap(import.items, before));
        }
        for items in items.chunk_by(|one, next| one.kind() == next.kind()) {
            rows::keep(&transaction, items, self.clock.now().seconds(), &*self.entropy).await?;
        }
        note(&transaction, IN, &Import { items: after, ..import }, Some(&was)).await?;
        self.commit(transaction, warned).await
    }

    async fn end_import(&self, dump: DumpId, counts: &Counts) -> Result<(), StoreError> {
        let warned = self.warnings.load(Ordering::SeqCst);
        let mut client = self.client.lock().await;
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        let (import, was) = import_of(&transaction, dump, &self.place).await?;
        if import.complete {
            return Ok(());
        }
        let found = pages::counts(&transaction).await?;
        if found != *counts {
            return Err(wrong_counts(&found, counts));
        }
        note(&transaction, IN, &Import { complete: true, ..import }, Some(&was)).await?;
        let served = transaction.execute("UPDATE schema_info SET fenced = NULL", &[]).await;
        served.map_err(|error| failed(&error))?;
        self.commit(transaction, warned).await
    }
}

/// The import that goes on, and the bytes that note it.
async fn import_of(transaction: &Transaction<'_>, dump: DumpId, place: &str) -> Result<(Import, Vec<u8>), StoreError> {
    // Another import of the same dump waits here until this step is done.
    let lock = transaction.execute("SELECT 1 FROM moves WHERE direction = $1 FOR UPDATE", &[&IN]).await;
    lock.map_err(|error| failed(&error))?;
    let (import, was) = noted::<Import>(transaction, IN).await?.ok_or_else(overtaken)?;
    Ok((import.of(dump, place)?, was))
}

/// What is noted about a move, and its bytes.
async fn noted<R: Record>(client: &impl GenericClient, direction: &str) -> Result<Option<(R, Vec<u8>)>, StoreError> {
    let found = client.query_opt("SELECT record FROM moves WHERE direction = $1", &[&direction]).await;
    let Some(row) = found.map_err(|error| failed(&error))? else { return Ok(None) };
    let bytes: Vec<u8> = column(&row, 0)?;
    Ok(Some((codec::decode(direction.as_bytes(), &bytes)?, bytes)))
}

/// Notes something about a move in place of what was noted, if it still is.
async fn note(
    transaction: &Transaction<'_>,
    direction: &str,
    record: &impl Record,
    was: Option<&Vec<u8>>,
) -> Result<(), StoreError> {
    let bytes = codec::encode(direction.as_bytes(), record)?;
    let written = match was {
        None => {
            let statement = "INSERT INTO moves (direction, record) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            transaction.execute(statement, &[&direction, &bytes]).await
        }
        Some(was) => {
            let statement = "UPDATE moves SET record = $2 WHERE direction = $1 AND record = $3";
            transaction.execute(statement, &[&direction, &bytes, was]).await
        }
    };
    if written.map_err(|error| failed(&error))? == 1 { Ok(()) } else { Err(overtaken()) }
}

/// Why a statement of a move did not happen.
fn failed(error: &Error) -> StoreError {
    let cause = describe(error);
    match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => StoreError::Refused(format!(
            "the database does not allow it: {cause}; name the user in store.kind that has run jeton migrate"
        )),
        Some(code) if *code == SqlState::UNDEFINED_TABLE => {
            StoreError::Refused(format!("the database's schema is too old: {cause}; run jeton migrate"))
        }
        Some(_) | None => StoreError::Unavailable(format!("{cause}; run the same command again")),
    }
}
