//! The closed sets of words that describe a client, under their registered names.

use crate::types::named::named;

named! {
    /// A grant type (RFC 6749 section 1.3).
    GrantType {
        /// Section 4.1.
        AuthorizationCode = "authorization_code",
        /// Section 6.
        RefreshToken = "refresh_token",
        /// Section 4.4.
        ClientCredentials = "client_credentials",
        /// Section 4.3: never registered, only behind the policy `password_grant`.
        Password = "password",
    }
}

impl GrantType {
    /// Those that every client may register, in the order of the standard.
    pub const OFFERED: &[Self] = &[Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];
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
