//! How long things live, and whose word counts.

/// The longest life that an access token may be given: a retired key stays published so long.
pub const MAX_ACCESS_TOKEN_LIFETIME: i64 = 86_400;

/// Lifetimes in seconds; what is `None` is decided one level higher: client, workspace, server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Access tokens.
    pub access_token: Option<i64>,
    /// A refresh token that is not used.
    pub refresh_idle: Option<i64>,
    /// A grant, from its first token on.
    pub refresh_absolute: Option<i64>,
}

impl Lifetimes {
    /// These, and where they say nothing, the other's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            access_token: self.access_token.or(other.access_token),
            refresh_idle: self.refresh_idle.or(other.refresh_idle),
            refresh_absolute: self.refresh_absolute.or(other.refresh_absolute),
        }
    }
}
