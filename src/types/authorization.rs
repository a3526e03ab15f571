//! The closed sets of words of an authorization request.

use crate::types::named::named;

named! {
    /// What the authorization endpoint answers with (RFC 6749 section 3.1.1).
    ResponseType {
        /// A code, in the query of the redirect URI.
        Code = "code",
        /// An access token, in its fragment: only behind the policy `implicit_grant`.
        Token = "token",
    }
}

named! {
    /// What the person must be asked (OpenID Connect Core 1.0 section 3.1.2.1).
    Prompt {
        /// Nothing: the request fails instead.
        None = "none",
        /// To sign in again.
        Login = "login",
        /// To consent again.
        Consent = "consent",
        /// Which account it shall be: the person signs in again.
        SelectAccount = "select_account",
    }
}

named! {
    /// Where the people of a workspace sign in.
    SignInMethod {
        /// In jeton, with a password of the workspace's own directory.
        Directory = "directory",
        /// At the operator's login application, which `login_uri` names.
        Application = "application",
        /// In jeton, with a password that the operator's hook checks.
        CredentialCheck = "credential_check",
    }
}
