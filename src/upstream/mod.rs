//! Floor 1: what jeton asks of services that an operator runs.

use async_trait::async_trait;

use crate::types::ids::{Subject, WorkspaceName};
use crate::types::secret::Secret;

pub mod credential_check;

/// A user directory of the operator's own.
#[async_trait]
pub trait CredentialCheck: Send + Sync + 'static {
    /// Who a username and a password are; `None` when they are nobody's.
    async fn check(&self, workspace: &WorkspaceName, username: &str, password: &Secret) -> Result<Option<Subject>, NoAnswer>;
}

/// There was no answer in time, or none that can be understood; nothing is known of the password.
#[derive(Debug, thiserror::Error)]
#[error("the credential check gave no answer: {0}")]
pub struct NoAnswer(pub String);
