//! What a grant of a person rests on, beside the client.

use crate::store::consent::Consent;
use crate::store::user::User;
use crate::types::time::UnixMillis;

/// The person and their consent, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The person, when the directory or a mark knows them.
    pub user: Option<User>,
    /// What they allowed the client.
    pub consent: Option<Consent>,
}

impl Standing {
    /// Whether the person may be spoken for with what was granted at `granted_at`.
    #[must_use]
    pub fn person_stands(&self, granted_at: UnixMillis) -> bool {
        self.user.as_ref().is_none_or(|user| user.stands(granted_at))
    }

    /// Whether the person withdrew what they allowed at `granted_at`.
    #[must_use]
    pub fn consent_withdrawn(&self, granted_at: UnixMillis) -> bool {
        self.consent.as_ref().is_some_and(|consent| granted_at <= consent.not_before)
    }
}
