//! The command line and the configuration.

mod check_config;
mod documents;
mod fake_admin;
mod help;
mod layers;
mod management;
mod postgres;
mod properties;
mod ranges;
mod secrets;
mod serve;

use std::path::Path;
use std::process::{Command, Output};

/// The binary, in a directory and an environment of its own.
fn jeton(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
    command.current_dir(directory).env_clear();
    command
}

/// What a command answered.
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

fn answer(command: &mut Command) -> Answer {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Answer {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}
