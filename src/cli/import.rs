//! `jeton import`: moves a deployment into its new store.

use std::path::PathBuf;

use clap::Args;

use crate::cli::check_config::SettingsFlags;
use crate::cli::failure::Failure;
use crate::cli::moving::{Bar, report};
use crate::cli::output::Output;
use crate::cli::runtime;
use crate::server::core_dumps;
use crate::server::moving;
use crate::server::start::Ports;

const AFTER_HELP: &str = "\
The store must be empty: one that no server was started on, and on PostgreSQL one that jeton
migrate has prepared. The master key must be the one of the store that was exported: give it with
JETON_MASTER_KEY_FILE, or copy it to master-key in the data directory.  The admin token is not in
the file: copy it too, or a new one is made.

The whole file is checked before anything is written.  Interrupted, the same command goes on;
until it is done no server starts on the store.  Import a file into one store only: two
deployments with the same refresh tokens would not know which of them were used.

Examples:
  jeton import deployment.jeton --config /etc/jeton.toml
  JETON_STORE=postgres://jeton@db/jeton jeton import deployment.jeton --config /etc/jeton.toml";

/// Puts everything from an exported file into the configured store.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Import {
    /// The file that jeton export has written.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    settings: SettingsFlags,
}

impl Import {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let config = self.settings.load()?;
        core_dumps::switch_off();
        let mut bar = Bar::new();
        let imported = runtime::wait(async {
            let moved = moving::import(&config, &Ports::system(), &self.file, &mut |progress| bar.show(progress)).await;
            Ok(moved?)
        });
        bar.clear();
        report(&imported?, "imported", output)
    }
}
