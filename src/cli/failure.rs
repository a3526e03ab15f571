//! How a command fails: a word for scripts, a sentence for people, and an exit code.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::cli::output::Output;
use crate::config::error::ConfigError;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The server, or this command, refused or failed: exit code 1.
    Refused {
        /// The OAuth error code, or the gRPC code.
        error: String,
        /// A sentence.
        message: String,
    },
    /// Usage or configuration: exit code 2.
    Usage(String),
    /// The store is damaged: exit code 3.
    Damaged(String),
    /// No server answers: exit code 4.
    Unreachable(String),
    /// Nobody reads the output any more: exit code 0, and no word about it.
    OutputClosed,
}

impl Failure {
    /// A refusal.
    pub fn refused(error: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused { error: error.into(), message: message.into() }
    }

    /// Writes the failure to stderr, and answers what the process ends with.
    pub fn report(self, output: Output) -> ExitCode {
        let (code, error, message) = match self {
            Self::Refused { error, message } => (1, error, message),
            Self::Usage(message) => (2, "configuration".to_owned(), message),
            Self::Damaged(message) => (3, "damaged_store".to_owned(), message),
            Self::Unreachable(message) => (4, "unreachable".to_owned(), message),
            Self::OutputClosed => return ExitCode::SUCCESS,
        };
        let line = match output {
            Output::Table => format!("error: {message}"),
            Output::Json => json!({ "error": error, "message": message }).to_string(),
        };
        // When stderr is closed too there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "{line}");
        ExitCode::from(code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        if status.source().is_some_and(|source| source.is::<tonic::transport::Error>()) {
            return Self::Unreachable(format!("the connection to the server broke: {}", status.message()));
        }
        let error = match status.get_details_error_info() {
            Some(info) => info.reason.to_lowercase(),
            None => code_name(status.code()).to_owned(),
        };
        let message = match (status.code(), status.message()) {
            (Code::Unauthenticated, said) => {
                format!("the server did not accept the admin token ({said}); --token-file names the one to present")
            }
            (code, "") => format!("the server answered {}", code_name(code)),
            (_, said) => said.to_owned(),
        };
        Self::Refused { error, message }
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
