//! The versions of the schema: what is there, and the steps to the newest.
//!
//! Release N runs on schema N and N - 1, so that old and new replicas serve side by side while one is
//! replaced by the other: a step only adds, and what it makes superfluous goes two releases later.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::store::StoreError;
use crate::store::postgres::connect::{Connector, describe};
use crate::store::postgres::options::PostgresOptions;
use crate::store::postgres::server_settings;

/// One step.  It happens whole or not at all.
#[derive(Debug)]
pub struct Migration {
    /// What the schema is after it.
    pub number: u32,
    /// What it is about.
    pub name: &'static str,
    /// A process must know at least this one to run on the schema after it.
    min_compatible: u32,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "tables", min_compatible: 1, sql: include_str!("migrations/0001_tables.sql") },
    Migration {
        number: 2,
        name: "clients by owner",
        min_compatible: 1,
        sql: include_str!("migrations/0002_clients_by_owner.sql"),
    },
];

/// What the schema is: its number, and the oldest one that a process must know to run on it.  Made with the
/// first step, which may add to it.
const SCHEMA_INFO: &str = "CREATE TABLE IF NOT EXISTS schema_info (one boolean PRIMARY KEY DEFAULT true CHECK (one), \
     current integer NOT NULL, min_compatible integer NOT NULL)";

/// The newest schema that this binary knows.
pub const KNOWN: u32 = 2;
/// The oldest one that it runs on.
const OLDEST: u32 = KNOWN - 1;

/// Of the advisory lock; the letters of "jeton".
const LOCK: i64 = 0x6a_65_74_6f_6e;
/// Between two looks at what somebody else holds.
const PAUSE: Duration = Duration::from_millis(500);
/// How often to look before giving up on another migration: a minute.
const LOOKS: u32 = 120;
/// How often to try a step whose tables are in use, each time for two seconds.
const TRIES: u32 = 24;

/// What a migration is doing.
#[derive(Debug)]
pub enum Progress {
    /// It waits for somebody; for whom.
    Waiting(String),
    /// It begins a step.
    Applying(&'static Migration),
    /// The step is done.
    Applied(&'static Migration),
}

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The schema before it; 0 for none.
    pub from: u32,
    /// The schema now.
    pub to: u32,
}

/// The row that tells what is there.
#[derive(Clone, Copy)]
struct Info {
    current: u32,
    min_compatible: u32,
}

/// Brings the schema to the newest that this binary knows.  Doing it again does nothing, and of those that
/// do it at once one does it and the others wait.
///
/// # Errors
/// `Refused` for a server that cannot be used or a schema that is newer than this binary understands;
/// `Unavailable` when the database cannot be reached, or somebody is in the way for too long.
pub async fn migrate(options: &PostgresOptions, report: &mut (dyn FnMut(Progress) + Send)) -> Result<Outcome, StoreError> {
    let session = Connector::new(options)?.connect().await?;
    server_settings::check(&session.client).await?;
    lock(&session.client, report).await?;
    let outcome = steps(&session.client, report).await;
    // It ends with the connection in any case.
    let _ = session.client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await;
    outcome
}

/// What [`migrate`] would do.
///
/// # Errors
/// As [`migrate`].
pub async fn pending(options: &PostgresOptions) -> Result<Outcome, StoreError> {
    let session = Connector::new(options)?.connect().await?;
    server_settings::check(&session.client).await?;
    let from = info(&session.client).await?.map_or(Ok(0), understood)?;
    Ok(Outcome { from, to: from.max(KNOWN) })
}

/// The schema that is there, when this binary runs on it.
///
/// # Errors
/// `Refused` with what to do, when it does not.
pub(super) async fn check(client: &Client) -> Result<u32, StoreError> {
    let Some(info) = info(client).await? else {
        return Err(refused("the database has no jeton schema: run `jeton migrate` with the same settings"));
    };
    let current = understood(info)?;
    if current < OLDEST {
        return Err(refused(format!(
            "the database has schema {current}, and this jeton needs at least {OLDEST}: run `jeton migrate` with the same \
             settings"
        )));
    }
    Ok(current)
}

fn understood(info: Info) -> Result<u32, StoreError> {
    let Info { current, min_compatible } = info;
    if min_compatible > KNOWN {
        return Err(refused(format!(
            "the database has schema {current}, which needs a newer jeton than this one (it knows up to {KNOWN}, and \
             {min_compatible} is needed): start the newer one"
        )));
    }
    Ok(current)
}

async fn info(client: &Client) -> Result<Option<Info>, StoreError> {
    let found = client.query_opt("SELECT current, min_compatible FROM schema_info", &[]).await;
    let row = match found {
        Ok(Some(row)) => row,
        Ok(None) => return Ok(None),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(None),
        Err(error) => return Err(failed("the schema cannot be read", &error)),
    };
    let number = |at: usize| {
        let number: i32 = row.try_get(at).map_err(|error| failed("the schema cannot be read", &error))?;
        u32::try_from(number).map_err(|_| refused("the table schema_info holds what is no number of a schema"))
    };
    Ok(Some(Info { current: number(0)?, min_compatible: number(1)? }))
}

/// Takes the lock under which one migration happens at a time.
async fn lock(client: &Client, report: &mut (dyn FnMut(Progress) + Send)) -> Result<(), StoreError> {
    let mut holder = String::new();
    for look in 0..LOOKS {
        let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await;
        let taken = row.and_then(|row| row.try_get::<_, bool>(0));
        if taken.map_err(|error| failed("the migration lock cannot be taken", &error))? {
            return Ok(());
        }
        if look == 0 {
            holder = holder_of_the_lock(client).await;
            report(Progress::Waiting(format!("another migration, {holder}")));
        }
        sleep(PAUSE).await;
    }
    Err(StoreError::Unavailable(format!("another migration, {holder}, is still running: try again when it has ended")))
}

/// Who migrates; the database tells more to those who are the same user.
async fn holder_of_the_lock(client: &Client) -> String {
    let question = "SELECT l.pid, coalesce(host(a.client_addr), 'the database''s machine') \
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = ($1 >> 32)::oid \
         AND l.objid = ($1 & 4294967295)::oid AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    match client.query_opt(question, &[&LOCK]).await {
        Ok(Some(row)) => {
            let (pid, address) = (row.try_get::<_, i32>(0).unwrap_or_default(), row.try_get::<_, String>(1).unwrap_or_default());
            format!("process {pid} of the database, from {address}")
        }
        Ok(None) | Err(_) => "which is not known".to_owned(),
    }
}

async fn steps(client: &Client, report: &mut (dyn FnMut(Progress) + Send)) -> Result<Outcome, StoreError> {
    let from = info(client).await?.map_or(Ok(0), understood)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > from) {
        report(Progress::Applying(migration));
        step(client, migration, report).await?;
        report(Progress::Applied(migration));
    }
    Ok(Outcome { from, to: from.max(KNOWN) })
}

/// Applies one step, as soon as nobody else uses what it changes.  It never waits for a lock for long, because
/// everybody else would wait behind it.
async fn step(
    client: &Client,
    migration: &'static Migration,
    report: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), StoreError> {
    let Migration { number, name, min_compatible, sql } = migration;
    let whole = format!(
        "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = 0; {SCHEMA_INFO};\n{sql};\n\
         INSERT INTO schema_info (current, min_compatible) VALUES ({number}, {min_compatible}) \
         ON CONFLICT (one) DO UPDATE SET current = {number}, min_compatible = {min_compatible}; COMMIT"
    );
    for attempt in 0..TRIES {
        let Err(error) = client.batch_execute(&whole).await else { return Ok(()) };
        let busy = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
        if !error.code().is_some_and(|code| busy.contains(code)) {
            return Err(failed(&format!("step {number} ({name}) was not made"), &error));
        }
        client.batch_execute("ROLLBACK").await.map_err(|error| failed("a step cannot be undone", &error))?;
        if attempt == 0 {
            report(Progress::Waiting(format!("a table that step {number} ({name}) changes, and somebody uses")));
        }
        sleep(PAUSE).await;
    }
    Err(StoreError::Unavailable(format!("step {number} ({name}) was not made: a table that it changes was always in use")))
}

fn failed(what: &str, error: &Error) -> StoreError {
    let cause = describe(error);
    match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            refused(format!("{what}: {cause}; the user of store.kind needs the right to it"))
        }
        Some(_) | None => StoreError::Unavailable(format!("{what}: {cause}")),
    }
}

fn refused(sentence: impl Into<String>) -> StoreError {
    StoreError::Refused(sentence.into())
}
