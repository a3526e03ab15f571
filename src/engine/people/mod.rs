//! What a person does in a browser: signing in, and what follows from it.

use std::sync::Arc;

use crate::types::ids::{MalformedId, Subject};
use crate::upstream::CredentialCheck;

mod asked;
pub mod backoff;
pub mod branding_of;
pub mod code_page;
pub mod consent;
pub mod csrf;
pub mod form;
pub mod hashing;
pub mod interaction;
pub mod passwords;
pub mod redirect_target;
pub mod session;
pub mod sign_in;

/// What checking passwords needs.
pub struct People {
    pub(crate) backoff: backoff::Backoff,
    pub(crate) hashing: hashing::Hashing,
    pub(crate) credential_check: Option<Arc<dyn CredentialCheck>>,
    /// Whose password is hashed when the username is nobody's.
    nobody: Subject,
}

impl People {
    /// Nobody has failed yet.
    ///
    /// # Errors
    /// Never: the name of nobody is a subject.
    pub fn new(credential_check: Option<Arc<dyn CredentialCheck>>) -> Result<Self, MalformedId> {
        let (backoff, hashing) = (backoff::Backoff::default(), hashing::Hashing::default());
        Ok(Self { backoff, hashing, credential_check, nobody: Subject::parse("nobody")? })
    }
}
