//! The kinds of records, in the order in which they are moved.

use std::fmt;

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Before everything that they sealed, so that a wrong master key is known at once.
    DataKeys,
    /// Workspaces.
    Workspaces,
    /// Signing keys.
    SigningKeys,
    /// Entries of scope registries.
    Scopes,
    /// Clients.
    Clients,
    /// Users, and marks about subjects.
    Users,
    /// Consents.
    Consents,
    /// Sessions.
    Sessions,
    /// Uses of policies.
    PolicyUses,
    /// Grants in every state, with their codes and refresh tokens.
    Grants,
    /// Revoked access tokens.
    RevokedTokens,
    /// What was used up.
    SingleUses,
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = 12;

    /// Every kind, in their order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::DataKeys,
        Self::Workspaces,
        Self::SigningKeys,
        Self::Scopes,
        Self::Clients,
        Self::Users,
        Self::Consents,
        Self::Sessions,
        Self::PolicyUses,
        Self::Grants,
        Self::RevokedTokens,
        Self::SingleUses,
    ];

    /// Its name, in dumps and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataKeys => "data_keys",
            Self::Workspaces => "workspaces",
            Self::SigningKeys => "signing_keys",
            Self::Scopes => "scopes",
            Self::Clients => "clients",
            Self::Users => "users",
            Self::Consents => "consents",
            Self::Sessions => "sessions",
            Self::PolicyUses => "policy_uses",
            Self::Grants => "grants",
            Self::RevokedTokens => "revoked_tokens",
            Self::SingleUses => "single_uses",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
