//! Users as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::store::user::{PasswordHash, User};
use crate::types::ids::Subject;
use crate::types::secret::Secret;
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
            password_phc: self.password.as_ref().map(|hash| hash.phc.expose_secret().to_owned()).unwrap_or_default(),
            password_data_key: self.password.as_ref().map_or(0, |hash| u32::from(hash.data_key)),
            administrator: self.administrator,
        }
    }

    fn from_message(message: pb::User) -> Option<Self> {
        let password = match message.password_phc.is_empty() {
            true => None,
            false => Some(PasswordHash {
                data_key: message.password_data_key.try_into().ok()?,
                phc: Secret::new(message.password_phc),
            }),
        };
        Some(Self {
            subject: Subject::parse(&message.subject).ok()?,
            username: message.username,
            disabled: message.disabled,
            created_at: UnixSeconds(message.created_at),
            not_before: UnixMillis(message.not_before_ms),
            in_directory: message.in_directory,
            password,
            administrator: message.administrator,
            revision: message.revision,
        })
    }
}
