//! A change that was begun is finished, whether or not its caller waits for the answer.
//!
//! A caller that goes away drops its call.  Between the store and what is shown from memory that would
//! leave the two apart: a client that is disabled on disk and served all the same.

use tracing::Instrument;

use crate::types::error::{OAuthError, Refusal};

/// Runs a change to its end.
///
/// # Errors
/// Its own, and `server_error` when it panicked.
pub async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::spawn(change.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(fault) => Err(OAuthError::server_error(fault).into()),
    }
}
