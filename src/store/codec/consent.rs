//! Consents as they are written.

use crate::pb::storage::v1 as pb;
use crate::store::codec::Record;
use crate::store::consent::Consent;
use crate::types::ids::{ClientId, Subject};
use crate::types::scope::Scope;
use crate::types::time::{UnixMillis, UnixSeconds};

impl Record for Consent {
    const TREE: &'static str = "consents";
    type Message = pb::Consent;

    fn to_message(&self) -> pb::Consent {
        pb::Consent {
            subject: self.subject.as_str().to_owned(),
            client_id: self.client.as_str().to_owned(),
            scope: self.scope.as_str().to_owned(),
            granted_at: self.granted_at.0,
            not_before_ms: self.not_before.0,
            revision: self.revision,
        }
    }

    fn from_message(message: pb::Consent) -> Option<Self> {
        Some(Self {
            subject: Subject::parse(&message.subject).ok()?,
            client: ClientId::parse(&message.client_id).ok()?,
            scope: Scope::parse(&message.scope).ok()?,
            granted_at: UnixSeconds(message.granted_at),
            not_before: UnixMillis(message.not_before_ms),
            revision: message.revision,
        })
    }
}
