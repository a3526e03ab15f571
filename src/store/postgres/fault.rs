//! What a failed statement means: the only classes that there are.

use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};

/// Why a statement gave no answer, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another one was in the way and nothing happened: the same statement may go again.
    Retry(String),
    /// The connection leads to a server that takes no writes, and nothing happened: to be opened anew.
    NotPrimary(String),
    /// The connection broke after the statement was sent: whether it happened is not known.
    InDoubt(String),
    /// The server gave no answer for longer than is waited: as `InDoubt`.
    Silent(String),
    /// The prepared statement is out of date: to be prepared again, once.
    Stale(String),
    /// The server will not do it; again would not help.
    Refused(String),
}

impl Fault {
    /// The class of an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let Some(db) = error.as_db_error() else {
            // Everything else is the connection's: closed, reset, or unreadable.
            return Self::InDoubt(error.to_string());
        };
        let code = db.code();
        // The message alone: a detail may quote values.
        let text = format!("{} (SQLSTATE {})", db.message(), code.code());
        let fatal = matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
        let connection = code.code().starts_with("08") || code.code().starts_with("57P");
        if [
            &SqlState::T_R_SERIALIZATION_FAILURE,
            &SqlState::T_R_DEADLOCK_DETECTED,
            &SqlState::LOCK_NOT_AVAILABLE,
            // A statement that took too long was undone.
            &SqlState::QUERY_CANCELED,
        ]
        .contains(&code)
        {
            Self::Retry(text)
        } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            Self::NotPrimary(text)
        } else if fatal || connection || *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN {
            // Whatever ends a connection may end it while a commit waits for its standby.
            Self::InDoubt(text)
        } else if [&SqlState::FEATURE_NOT_SUPPORTED, &SqlState::INVALID_SQL_STATEMENT_NAME].contains(&code) {
            Self::Stale(text)
        } else {
            Self::Refused(text)
        }
    }
}
