//! Sessions as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::{Record, field};
use crate::store::session::Session;
use crate::types::ids::Subject;
use crate::types::time::{UnixMillis, UnixSeconds};

impl Record for Session {
    const TREE: &'static str = "sessions";
    type Message = pb::Session;

    fn to_message(&self) -> pb::Session {
        pb::Session {
            subject: self.subject.as_str().to_owned(),
            signed_in_at_ms: self.signed_in_at.0,
            token: self.token.0.to_vec(),
            expires_at: self.expires_at.0,
        }
    }

    fn from_message(message: pb::Session) -> Option<Self> {
        Some(Self {
            subject: Subject::parse(&message.subject).ok()?,
            signed_in_at: UnixMillis(message.signed_in_at_ms),
            token: field::digest(&message.token)?,
            expires_at: UnixSeconds(message.expires_at),
        })
    }
}
