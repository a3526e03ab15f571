//! The command line: a server, and what manages a running one.

mod check_config;
mod client;
mod confirm;
mod connection;
mod dev;
mod export;
mod failure;
mod health;
mod import;
mod key;
mod migrate;
mod moving;
mod output;
mod password;
mod policy;
mod recipes;
mod runtime;
mod scope;
mod serve;
mod user;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::failure::Failure;
use crate::cli::output::Output;

const AFTER_HELP: &str = "\
Examples:
  jeton serve --dev                         a server to try things with
  jeton serve --config /etc/jeton.toml      a server
  jeton client create --name billing --grant-type client_credentials --scope \"read write\"
  jeton client list --output json

Exit codes:
  0  done
  1  the server refused, or failed
  2  usage or configuration
  3  the store is damaged
  4  the server cannot be reached";

/// An OAuth 2 token service: gRPC first, durable, signed with Ed25519.
#[derive(Debug, Parser)]
#[command(name = "jeton", version, after_help = AFTER_HELP, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// How results are written; with json, errors are JSON too, on stderr.
    #[arg(long, global = true, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    output: Output,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server.
    Serve(serve::Serve),
    /// Manage clients (RFC 7591).
    Client(client::Clients),
    /// Manage compatibility policies: the deviations that single clients are allowed.
    Policy(policy::Policies),
    /// Manage workspaces: each has its own issuer, clients, users and keys.
    Workspace(workspace::Workspaces),
    /// Manage users.
    User(user::Users),
    /// Describe scopes in words for people.
    Scope(scope::Scopes),
    /// Manage signing keys.
    Key(key::Keys),
    /// Make or update the tables of a PostgreSQL database, before a new version serves from it.
    Migrate(migrate::Migrate),
    /// Check a configuration and show every setting with the layer that decided it.
    CheckConfig(check_config::CheckConfig),
    /// Move a deployment away: write everything in the store into a file, and serve from the store no more.
    Export(export::Export),
    /// Move a deployment in: put everything from such a file into an empty store.
    Import(import::Import),
    /// Ask a server whether it is ready; made for containers, which have no curl.
    Healthcheck(health::Healthcheck),
}

/// Runs the command that this process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(command) => command.run(cli.output),
        Command::Client(command) => command.run(cli.output),
        Command::Policy(command) => command.run(cli.output),
        Command::Workspace(command) => command.run(cli.output),
        Command::User(command) => command.run(cli.output),
        Command::Scope(command) => command.run(cli.output),
        Command::Key(command) => command.run(cli.output),
        Command::Migrate(command) => command.run(cli.output),
        Command::CheckConfig(command) => command.run(cli.output),
        Command::Export(command) => command.run(cli.output),
        Command::Import(command) => command.run(cli.output),
        Command::Healthcheck(command) => command.run(cli.output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.output),
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        // Who reads our output may stop reading, as head does; that is no failure.
        match cause.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::refused("io", format!("the output cannot be written: {cause}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }
}
