//! A new password: from standard input, never from an argument, which every process of the machine can read.

use std::io::{BufRead, IsTerminal, Read, stdin};

use clap::Args;

use crate::cli::failure::Failure;
use crate::types::secret::Secret;

/// More than any password that the server takes.
const MOST_BYTES: u64 = 4096;

/// How a password is given.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct PasswordFlag {
    /// Read the password from standard input: one line.  Without this flag a terminal is asked for it.
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordFlag {
    /// The password; `None` when there is no terminal to ask at, or nothing was typed there.
    pub(super) fn read(self) -> Result<Option<Secret>, Failure> {
        if self.password_stdin {
            return line().map(Some);
        }
        if !stdin().is_terminal() {
            return Ok(None);
        }
        let password = Secret::new(rpassword::prompt_password("Password (empty for none): ")?);
        if password.is_empty() {
            return Ok(None);
        }
        let again = Secret::new(rpassword::prompt_password("The same again: ")?);
        if password.expose_secret() != again.expose_secret() {
            return Err(Failure::Usage("the two passwords differ".to_owned()));
        }
        Ok(Some(password))
    }

    /// The password, which must be there.
    pub(super) fn read_one(self) -> Result<Secret, Failure> {
        self.read()?
            .ok_or_else(|| Failure::Usage("no password was given: --password-stdin reads it from standard input".to_owned()))
    }
}

fn line() -> Result<Secret, Failure> {
    let mut text = String::new();
    let read = stdin().lock().take(MOST_BYTES).read_line(&mut text);
    let text = Secret::new(text);
    read.map_err(|cause| Failure::Usage(format!("the password cannot be read from standard input: {cause}")))?;
    let line = text.expose_secret();
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() {
        return Err(Failure::Usage("standard input holds no password".to_owned()));
    }
    Ok(Secret::new(line.to_owned()))
}
