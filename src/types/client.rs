//! The closed sets of words that describe a client, under their registered names.

use std::fmt;

/// Makes a closed enum whose variants have the names that an RFC or this server gives them.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every variant, in the order of the standard.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The registered name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The variant of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// A grant type (RFC 6749 section 1.3).
    GrantType {
        /// Section 4.1.
        AuthorizationCode = "authorization_code",
        /// Section 6.
        RefreshToken = "refresh_token",
        /// Section 4.4.
        ClientCredentials = "client_credentials",
    }
}

named! {
    /// How a client authenticates (RFC 7591 section 2).
    AuthMethod {
        /// A secret in the Authorization header.
        ClientSecretBasic = "client_secret_basic",
        /// A secret in the body.
        ClientSecretPost = "client_secret_post",
        /// A public client.
        None = "none",
    }
}

named! {
    /// Where a client runs.
    ApplicationType {
        /// On a server.
        Web = "web",
        /// On a person's device (RFC 8252).
        Native = "native",
    }
}

named! {
    /// A trusted act that an administrator allows a client.
    Permission {
        /// Validate and decide authorization requests, and issue codes for any subject.
        IssueCode = "issue_code",
        /// Register and manage the clients of its workspace.
        RegisterClients = "register_clients",
        /// Introspect every token of its workspace.
        IntrospectAny = "introspect_any",
    }
}
