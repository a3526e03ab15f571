//! Generated from `proto/`: the public, the operators' and the private messages.

#![allow(missing_docs, clippy::all, clippy::pedantic)]

/// Generated code for package `jeton.v1`.
pub mod v1 {
    tonic::include_proto!("jeton.v1");
}

/// Generated code for package `jeton.admin.v1`.
pub mod admin {
    pub mod v1 {
        tonic::include_proto!("jeton.admin.v1");
    }
}

/// Generated code for package `jeton.hooks.v1`.
pub mod hooks {
    pub mod v1 {
        tonic::include_proto!("jeton.hooks.v1");
    }
}

/// Generated code for package `jeton.pages.v1`.
pub mod pages {
    pub mod v1 {
        tonic::include_proto!("jeton.pages.v1");
    }
}

/// Generated code for package `jeton.storage.v1`.
pub mod storage {
    pub mod v1 {
        tonic::include_proto!("jeton.storage.v1");
    }
}

/// What reflection serves: every public file, descriptors encoded.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/jeton.fds"));

/// `build.rs` leaves out the derived `Debug` of every message that holds a secret.
macro_rules! redacted {
    ($($message:ty),+ $(,)?) => {
        $(impl std::fmt::Debug for $message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($message), " { .. }"))
            }
        })+
    };
}

redacted!(
    v1::ClientSecret,
    v1::AuthorizationCodeGrant,
    v1::RefreshTokenGrant,
    v1::PasswordGrant,
    v1::IssueTokenResponse,
    v1::IntrospectTokenRequest,
    v1::RevokeTokenRequest,
    v1::ValidateAuthorizationResponse,
    v1::GetAuthorizationRequest,
    v1::DecideAuthorizationRequest,
    v1::DecideAuthorizationResponse,
    v1::ContinueAuthorizationRequest,
    v1::ContinueAuthorizationResponse,
    v1::IssueCodeResponse,
    v1::RegisterClientResponse,
    v1::RotateClientSecretResponse,
    admin::v1::CreateUserRequest,
    admin::v1::SetUserPasswordRequest,
    hooks::v1::CheckCredentialRequest,
    pages::v1::GetInteractionRequest,
    pages::v1::GetInteractionResponse,
    pages::v1::GetSignInRequest,
    pages::v1::SignInRequest,
    pages::v1::SignInResponse,
    pages::v1::DecideConsentRequest,
    pages::v1::DecideConsentResponse,
    pages::v1::GetCodeRequest,
    pages::v1::GetCodeResponse,
    pages::v1::RegisterApplicationResponse,
    pages::v1::ConsentPage,
    pages::v1::GetSignInResponse,
    pages::v1::GetSignOutResponse,
    pages::v1::SignOutRequest,
    pages::v1::PersonalPage,
    pages::v1::RegisterApplicationRequest,
    pages::v1::UpdateApplicationRequest,
    pages::v1::RotateApplicationSecretRequest,
    pages::v1::DeleteApplicationRequest,
    pages::v1::WithdrawConsentRequest,
    pages::v1::RotateApplicationSecretResponse,
    storage::v1::DataKeys,
    storage::v1::DumpItem,
    storage::v1::dump_item::Record,
);
