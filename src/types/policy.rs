//! Compatibility policies: every deviation from the strict core has a name, and is off by default.

use crate::types::client::GrantType;
use crate::types::lifetime::Lifetimes;
use crate::types::named::named;

named! {
    /// A deviation that an operator may switch on for a client, within its workspace's ceiling.
    Policy {
        /// `code` in the query of the token request.
        CodeInQuery = "code_in_query",
        /// `grant_type=code` for `authorization_code`.
        GrantTypeCode = "grant_type_code",
        /// `response_type=token` (RFC 6749 section 4.2).
        ImplicitGrant = "implicit_grant",
        /// `grant_type=password` (RFC 6749 section 4.3).
        PasswordGrant = "password_grant",
        /// `/token` and `/oauth/2/token` beside `/oauth2/token`.
        PathAliases = "path_aliases",
        /// An authorization request without PKCE.
        PkceOptional = "pkce_optional",
        /// Refresh tokens that stay the same.
        RefreshRotationNever = "refresh_rotation_never",
        /// A refresh token in the answer to `client_credentials`.
        RefreshTokenOnClientCredentials = "refresh_token_on_client_credentials",
        /// A refresh with nothing but the refresh token.
        RefreshWithoutClientAuthentication = "refresh_without_client_authentication",
        /// `scope=*` for all that the client registered.
        WildcardScope = "wildcard_scope",
    }
}

impl Policy {
    /// Whether only a client that can prove who it is may have it.
    #[must_use]
    pub fn confidential_only(self) -> bool {
        match self {
            Self::CodeInQuery
            | Self::PasswordGrant
            | Self::PkceOptional
            | Self::RefreshRotationNever
            | Self::RefreshTokenOnClientCredentials
            | Self::RefreshWithoutClientAuthentication => true,
            Self::GrantTypeCode | Self::ImplicitGrant | Self::PathAliases | Self::WildcardScope => false,
        }
    }
}

impl Policy {
    /// Whether an application that a person registered may have it by its workspace's preset: it
    /// changes how a code is asked for, exchanged or refreshed, and gives no other way to a token.
    #[must_use]
    pub fn for_applications(self) -> bool {
        match self {
            Self::CodeInQuery
            | Self::GrantTypeCode
            | Self::PathAliases
            | Self::PkceOptional
            | Self::RefreshRotationNever
            | Self::WildcardScope => true,
            Self::ImplicitGrant
            | Self::PasswordGrant
            | Self::RefreshTokenOnClientCredentials
            | Self::RefreshWithoutClientAuthentication => false,
        }
    }
}

/// Some of the policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicySet(u16);

impl PolicySet {
    /// Puts one in.
    pub fn insert(&mut self, policy: Policy) {
        self.0 |= 1 << policy as u16;
    }

    /// Whether one is in it.
    #[must_use]
    pub fn contains(self, policy: Policy) -> bool {
        self.0 & (1 << policy as u16) != 0
    }

    /// Whether none is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of their names.
    pub fn iter(self) -> impl Iterator<Item = Policy> {
        Policy::ALL.iter().copied().filter(move |&policy| self.contains(policy))
    }
}

named! {
    /// The policies that one published interface needs.
    Preset {
        /// Codes in the query of the token request, and refresh tokens that stay the same.
        CodeInQuery = "code-in-query",
        /// Refresh tokens for a client's own tokens.
        M2mRefresh = "m2m-refresh",
        /// The code flow of a confidential client that knows no PKCE.
        Standard = "standard",
        /// All grants of RFC 6749, as they were used in 2012.
        WorkspaceLegacy = "workspace-legacy",
    }
}

impl Preset {
    /// What it switches on.
    #[must_use]
    pub fn policies(self) -> &'static [Policy] {
        match self {
            Self::CodeInQuery => &[Policy::CodeInQuery, Policy::PkceOptional, Policy::RefreshRotationNever],
            Self::M2mRefresh => &[
                Policy::PathAliases,
                Policy::RefreshRotationNever,
                Policy::RefreshTokenOnClientCredentials,
                Policy::RefreshWithoutClientAuthentication,
            ],
            Self::Standard => &[Policy::PkceOptional],
            Self::WorkspaceLegacy => &[
                Policy::GrantTypeCode,
                Policy::ImplicitGrant,
                Policy::PasswordGrant,
                Policy::PathAliases,
                Policy::PkceOptional,
                Policy::WildcardScope,
            ],
        }
    }

    /// Whether it states that implicit grants may have a wildcard scope.
    #[must_use]
    pub fn states_wildcard_with_implicit(self) -> bool {
        match self {
            Self::WorkspaceLegacy => true,
            Self::CodeInQuery | Self::M2mRefresh | Self::Standard => false,
        }
    }

    /// The grant types of a client that names none.
    #[must_use]
    pub fn grant_types(self) -> &'static [GrantType] {
        match self {
            Self::CodeInQuery | Self::Standard => &[GrantType::AuthorizationCode, GrantType::RefreshToken],
            Self::M2mRefresh => &[GrantType::RefreshToken, GrantType::ClientCredentials],
            Self::WorkspaceLegacy => &[GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
        }
    }

    /// The lifetimes of a client that names none.
    #[must_use]
    pub fn lifetimes(self) -> Lifetimes {
        let access_token = match self {
            // What the vendors of these interfaces answer.
            Self::CodeInQuery => Some(5400),
            Self::M2mRefresh => Some(3600),
            Self::Standard | Self::WorkspaceLegacy => None,
        };
        Lifetimes { access_token, ..Lifetimes::default() }
    }
}
