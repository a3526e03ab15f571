//! `jeton serve`: starts a server, says where it is, and stops it in order.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::exit;

use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::cli::check_config::SettingsFlags;
use crate::cli::connection::read_token;
use crate::cli::dev::{self, Seeded};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, line};
use crate::cli::recipes;
use crate::config::Config;
use crate::config::store::StoreKind;
use crate::server::core_dumps;
use crate::server::start::{Ports, Running, StartError, StartOptions, start};
use crate::server::telemetry::{self, TelemetryError};

const AFTER_HELP: &str = "\
Settings come from the compiled-in defaults, then --config, then JETON_SECTION__KEY variables, then --set;
the last one counts.  jeton check-config shows the outcome.

Well-known variables: JETON_ISSUER, JETON_HTTP_ADDR, JETON_GRPC_ADDR, JETON_ADMIN_ADDR, JETON_OPS_ADDR,
JETON_DATA_DIR, JETON_STORE, JETON_ADMIN_TOKEN(_FILE), JETON_MASTER_KEY(_FILE).

Examples:
  jeton serve --dev
  jeton serve --config /etc/jeton.toml
  JETON_ISSUER=https://auth.example.com jeton serve --set lifetimes.access_token_seconds=300
  JETON_STORE=postgres://jeton@db.example.com/jeton jeton serve --config /etc/jeton.toml

On PostgreSQL any number of servers share one database: see jeton migrate --help.";

/// What a shell reports of a process that a signal interrupted.
const INTERRUPTED: i32 = 130;

/// Runs a server.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Serve {
    /// Make a user and clients to try things with, and print commands that use them.  Only on
    /// loopback addresses; not for production.
    #[arg(long)]
    dev: bool,

    #[command(flatten)]
    settings: SettingsFlags,

    /// Start although the store has lost what it promised to keep, for example after a backup was put
    /// in its place.  Codes and rotating grants end.
    #[arg(long)]
    accept_loss: bool,
}

impl Serve {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let config = self.settings.load()?;
        if self.dev {
            dev::check(&config)?;
        }
        telemetry::init(&config.log)?;
        core_dumps::switch_off();
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let options = StartOptions { accept_loss: self.accept_loss, development: self.dev };
        let mode = if self.dev { Mode::Dev } else { Mode::Production };
        runtime(config.workers)?.block_on(serve(config, options, mode, output))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Dev,
    Production,
}

/// One worker for each core.  On one core a scheduler of one thread is cheaper than a pool of one.
fn runtime(workers: Option<usize>) -> Result<Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let runtime = match workers.unwrap_or(cores) {
        1 => Builder::new_current_thread().enable_all().build(),
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build(),
    };
    Ok(runtime?)
}

async fn serve(config: Config, options: StartOptions, mode: Mode, output: Output) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let upkeep = tokio::spawn(telemetry::upkeep(telemetry::metrics()?));
    let running = tokio::select! {
        running = start(config.clone(), Ports::system(), options) => running?,
        () = stop.asked() => return Ok(()),
    };
    let greeted = greet(&config, &running, mode, output).await;
    let outcome = match greeted {
        Ok(()) | Err(Failure::OutputClosed) => tokio::select! {
            () = running.failed() => {
                error!("the store has failed; stopping, so that nothing is answered that a restart would not know");
                Err(Failure::refused("store_failed", "the store has failed; the log says why"))
            }
            () = stop.asked() => Ok(()),
        },
        Err(failure) => Err(failure),
    };
    info!("finishing the requests that were begun");
    tokio::select! {
        stopped = running.shutdown() => stopped?,
        () = stop.asked() => {
            warn!("asked twice to stop; not waiting for requests");
            exit(INTERRUPTED)
        }
    }
    upkeep.abort();
    outcome
}

/// What asks a server to stop: SIGTERM from the platform, SIGINT from a keyboard.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }
}

/// Says what was made and where the server is, and in development seeds it.
async fn greet(config: &Config, running: &Running, mode: Mode, output: Output) -> Result<(), Failure> {
    let seeded = match mode {
        Mode::Dev => Some(seed(config, running).await?),
        Mode::Production => None,
    };
    let data_dir = absolute(&config.data_dir);
    match output {
        Output::Json => line(&summary(config, running, &data_dir, seeded.as_ref()).to_string()),
        Output::Table => {
            announce(config, running, &data_dir)?;
            let Some(seeded) = &seeded else { return Ok(()) };
            recipes::lines(running, seeded).iter().try_for_each(|text| line(text))
        }
    }
}

async fn seed(config: &Config, running: &Running) -> Result<Seeded, Failure> {
    let token = match (&config.secrets.admin_token, &running.admin_token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(file)) => read_token(file)?,
        (None, None) => return Err(Failure::refused("no_admin_token", "the server has no admin token to seed it with")),
    };
    dev::seed(running.addresses.admin, &token).await
}

fn announce(config: &Config, running: &Running, data_dir: &Path) -> Result<(), Failure> {
    let dir = data_dir.display();
    match (&config.store.kind, running.created) {
        (StoreKind::Sled, true) => {
            line(&format!("made {dir}: the store, the master key and the signing keys"))?;
            line("  keep the master key apart from backups of the store: beside it, it protects nothing")?;
        }
        (StoreKind::Sled, false) => line(&format!("opened {dir}"))?,
        (StoreKind::Postgres(postgres), true) => line(&format!("made the signing keys in {}", postgres.shown))?,
        (StoreKind::Postgres(postgres), false) => line(&format!("opened {}", postgres.shown))?,
    }
    if let Some(file) = &running.admin_token_file {
        line(&format!("admin token  {}", absolute(file).display()))?;
    }
    let addresses = &running.addresses;
    line(&format!("issuer       {}", running.issuer))?;
    line(&format!("REST         http://{}", addresses.http))?;
    line(&format!("gRPC         {}", addresses.grpc))?;
    line(&format!("admin gRPC   {}", addresses.admin))?;
    line(&format!("operations   http://{}  /metrics /livez /readyz", addresses.ops))
}

fn summary(config: &Config, running: &Running, data_dir: &Path, seeded: Option<&Seeded>) -> Value {
    let addresses = &running.addresses;
    let store = match &config.store.kind {
        StoreKind::Postgres(postgres) => &postgres.shown,
        StoreKind::Sled => "sled",
    };
    let mut summary = json!({
        "http": addresses.http,
        "grpc": addresses.grpc,
        "admin": addresses.admin,
        "ops": addresses.ops,
        "issuer": running.issuer,
        "store": store,
        "data_dir": data_dir,
        "admin_token_file": running.admin_token_file.as_deref().map(absolute),
    });
    if let (Some(seeded), Some(members)) = (seeded, summary.as_object_mut()) {
        members.insert("dev".to_owned(), seeded.summary());
    }
    summary
}

/// The path as it is found from everywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error.exit_code() {
            2 => Self::Usage(error.to_string()),
            3 => Self::Damaged(error.to_string()),
            _ => Self::refused("start_failed", error.to_string()),
        }
    }
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        Self::Usage(error.to_string())
    }
}
