//! `jeton check-config`: what a server would be started with, and why.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::output::{Output, Record, line};
use crate::config::layers::{DEFAULTS, Scalar, Setting};
use crate::config::{Config, Sources};

const AFTER_HELP: &str = "\
Examples:
  jeton check-config --config /etc/jeton.toml
  jeton check-config --print-defaults > jeton.toml";

/// Checks a configuration.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CheckConfig {
    #[command(flatten)]
    settings: SettingsFlags,

    /// Print the compiled-in defaults with their comments: a file to start from.
    #[arg(long, exclusive = true)]
    print_defaults: bool,
}

/// The flags that choose a configuration.
#[derive(Debug, Args)]
pub struct SettingsFlags {
    /// A file of settings, in the form of check-config --print-defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// One setting, for example --set lifetimes.code_seconds=30; may be given often.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl SettingsFlags {
    /// Reads and checks the configuration.
    pub(super) fn load(self) -> Result<Config, Failure> {
        Ok(Config::load(&Sources::process(self.config, self.set))?)
    }
}

impl CheckConfig {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        if self.print_defaults {
            return line(DEFAULTS.trim_end());
        }
        let config = self.settings.load()?;
        config.check_shared()?;
        let records = config.layers.settings().map(record).collect();
        output.list(records, &["key", "value", "from"])?;
        for warning in &config.warnings {
            writeln!(std::io::stderr(), "warning: {warning}")?;
        }
        Ok(())
    }
}

fn record((key, setting): (&str, &Setting)) -> Record {
    let value = match &setting.value {
        Scalar::Boolean(boolean) => json!(boolean),
        Scalar::Integer(integer) => json!(integer),
        Scalar::List(texts) => json!(texts),
        Scalar::Text(text) => Value::String(text.clone()),
    };
    vec![("key", json!(key)), ("value", value), ("from", json!(setting.layer))]
}
