//! `jeton export`: moves a deployment out of its store, for good.

use std::path::PathBuf;

use clap::Args;

use crate::cli::check_config::SettingsFlags;
use crate::cli::confirm::Confirm;
use crate::cli::failure::Failure;
use crate::cli::moving::{Bar, report};
use crate::cli::output::Output;
use crate::cli::runtime;
use crate::server::moving;
use crate::server::start::Ports;

const AFTER_HELP: &str = "\
Everything is moved: clients, users, sessions, consents, keys, and grants with their codes and
refresh tokens, so that nobody notices where jeton import has put it.  Stop the servers first:
with the embedded store they must be, and with PostgreSQL they stop serving by themselves.  The
store is fenced before it is read, and no server starts on it again; a move that was a mistake is
undone by importing the file.  Interrupted, the same command goes on.

The file holds everything but the master key, which the new deployment needs too.  Whoever has
both has all keys: move them apart, and delete the file when it is imported.

Examples:
  jeton export deployment.jeton --config /etc/jeton.toml
  JETON_DATA_DIR=/var/lib/jeton jeton export deployment.jeton --yes";

/// Writes everything in the configured store into a file.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Export {
    /// The file to write; FILE.part until it is whole.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    settings: SettingsFlags,

    #[command(flatten)]
    confirm: Confirm,
}

impl Export {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let config = self.settings.load()?;
        self.confirm.ask("This moves the deployment away: no server serves from its store again")?;
        let mut bar = Bar::new();
        let exported = runtime::wait(async {
            let moved = moving::export(&config, &Ports::system(), &self.file, &mut |progress| bar.show(progress)).await;
            Ok(moved?)
        });
        bar.clear();
        report(&exported?, "exported", output)
    }
}
