//! Users as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::store::user::User;
use crate::types::ids::Subject;
use crate::types::time::{UnixMillis, UnixSeconds};

impl Record for User {
    const TREE: &'static str = "users";
    type Message = pb::User;

    fn to_message(&self) -> pb::User {
        pb::User {
            subject: self.subject.as_str().to_owned(),
            username: self.username.clone(),
            disabled: self.disabled,
            created_at: self.created_at.0,
            not_before_ms: self.not_before.0,
            revision: self.revision,
            in_directory: self.in_directory,
        }
    }

    fn from_message(message: pb::User) -> Option<Self> {
        Some(Self {
            subject: Subject::parse(&message.subject).ok()?,
            username: message.username,
            disabled: message.disabled,
            created_at: UnixSeconds(message.created_at),
            not_before: UnixMillis(message.not_before_ms),
            in_directory: message.in_directory,
            revision: message.revision,
        })
    }
}
