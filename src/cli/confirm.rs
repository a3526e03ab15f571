//! Asks before something is destroyed.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use crate::cli::failure::Failure;

/// The flag of destructive commands.
#[derive(Debug, Args)]
pub struct Confirm {
    /// Do not ask; needed where nobody can be asked.
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Confirm {
    /// Goes on only when the flag is given or a person at a terminal types `yes`.
    ///
    /// # Errors
    /// When they type anything else, or there is no terminal to ask at.
    pub fn ask(&self, what_happens: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::Usage(format!("{what_happens}; there is no terminal to ask at, so confirm it with --yes")));
        }
        write!(std::io::stderr(), "{what_happens}.\nType yes to go on: ")?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if answer.trim() == "yes" {
            return Ok(());
        }
        Err(Failure::refused("not_confirmed", "nothing was changed"))
    }
}
