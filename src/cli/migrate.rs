//! `jeton migrate`: brings the schema of a shared store up to date.

use clap::Args;
use serde_json::json;

use crate::cli::check_config::SettingsFlags;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, line};
use crate::cli::runtime::wait;
use crate::config::store::{PostgresConfig, StoreKind};
use crate::server::stores::{Outcome, Progress, migrate, pending};

const AFTER_HELP: &str = "\
Run it before the first start, and before the servers of a new version start.  Servers may run
meanwhile: a version runs on its own schema and on the one before, so migrate first, then replace
the servers one by one.  Running it again does nothing; of two at once, one waits for the other.
jeton serve --dev does it by itself.

Ends with 1 when something was in the way, and with --check when there are steps to do.

Examples:
  JETON_STORE=postgres://jeton@db.example.com/jeton jeton migrate
  jeton migrate --config /etc/jeton.toml
  jeton migrate --config /etc/jeton.toml --check";

/// Migrates the schema.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Migrate {
    #[command(flatten)]
    settings: SettingsFlags,

    /// Only say what is there and what this version knows; end with 1 when steps are to do.
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let config = self.settings.load()?;
        let postgres = match config.store.kind {
            StoreKind::Postgres(postgres) => postgres,
            StoreKind::Sled => {
                return Err(Failure::Usage(
                    "only a PostgreSQL database is migrated, and store.kind is sled: set JETON_STORE=postgres://…".to_owned(),
                ));
            }
        };
        wait(async { if self.check { check(&postgres, output).await } else { apply(&postgres, output).await } })
    }
}

async fn check(postgres: &PostgresConfig, output: Output) -> Result<(), Failure> {
    let Outcome { from, to } = pending(postgres).await?;
    output.record(vec![("found", json!(from)), ("known", json!(to))])?;
    if from == to {
        return Ok(());
    }
    Err(Failure::refused("steps_to_do", "the schema is not up to date: run jeton migrate"))
}

async fn apply(postgres: &PostgresConfig, output: Output) -> Result<(), Failure> {
    let mut applied = Vec::new();
    // Who stops reading does not stop a migration half-way.
    let mut report = |progress: Progress| match (progress, output) {
        (Progress::Waiting(whom), Output::Table) => drop(line(&format!("waiting for {whom}"))),
        (Progress::Applying(step), Output::Table) => drop(line(&format!("applying {} {}", step.number, step.name))),
        (Progress::Applied(step), _) => applied.push(json!({ "number": step.number, "name": step.name })),
        (Progress::Waiting(_) | Progress::Applying(_), Output::Json) => {}
    };
    let Outcome { from, to } = migrate(postgres, &mut report).await?;
    match output {
        Output::Json => output.record(vec![("from", json!(from)), ("to", json!(to)), ("applied", json!(applied))]),
        Output::Table if from == to => line(&format!("{}: schema {to}, nothing to do", postgres.shown)),
        Output::Table => line(&format!("{}: schema {to}, before {from}", postgres.shown)),
    }
}
