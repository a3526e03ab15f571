//! The runtime of a command.

use std::future::Future;

use crate::cli::failure::Failure;

/// Runs a command that only waits for answers: one thread is enough.
///
/// # Errors
/// Those of the command, or when the machine gives no runtime.
pub fn wait<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}
