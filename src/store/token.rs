//! What a store must know to say whether an access token still stands, and what may be used once.

use crate::types::ids::{ClientId, GrantId, Subject};
use crate::types::time::UnixSeconds;

/// An access token whose signature and end are good.
#[derive(Clone, Copy, Debug)]
pub struct IssuedToken<'a> {
    /// Its id.
    pub jti: &'a str,
    /// The grant it came from; `None` for a client's own token.
    pub grant: Option<GrantId>,
    /// Who it speaks for.
    pub subject: &'a Subject,
    /// Whom it was issued to.
    pub client: &'a ClientId,
}

/// Something that is good for one use: of each, exactly one caller ever hears that it was the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleUse {
    /// What it is: values of two kinds never meet.
    pub kind: SingleUseKind,
    /// A digest of all that makes it itself, such as issuer and `jti`.
    pub id: [u8; 32],
    /// When it is good no longer, at most a day ahead.  A part of its identity: signed into it, as `exp` is.
    pub until: UnixSeconds,
}

/// What is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleUseKind {
    /// The `jti` of a client's assertion (RFC 7523 section 3).
    Assertion,
    /// The `jti` of a proof of possession (RFC 9449 section 11.1).
    DpopProof,
}
