//! Compiles the protobuf contract with protox, so that no protoc is needed.

use std::path::PathBuf;

use prost::Message;

/// Messages that hold a secret: their `Debug` is written by hand in `src/pb.rs`.
const SECRET_MESSAGES: &[&str] = &[
    "jeton.v1.ClientSecret",
    "jeton.v1.AuthorizationCodeGrant",
    "jeton.v1.RefreshTokenGrant",
    "jeton.v1.PasswordGrant",
    "jeton.v1.IssueTokenResponse",
    "jeton.v1.IntrospectTokenRequest",
    "jeton.v1.RevokeTokenRequest",
    "jeton.v1.ValidateAuthorizationResponse",
    "jeton.v1.GetAuthorizationRequest",
    "jeton.v1.DecideAuthorizationRequest",
    "jeton.v1.DecideAuthorizationResponse",
    "jeton.v1.ContinueAuthorizationRequest",
    "jeton.v1.ContinueAuthorizationResponse",
    "jeton.v1.IssueCodeResponse",
    "jeton.v1.RegisterClientResponse",
    "jeton.v1.RotateClientSecretResponse",
    "jeton.admin.v1.CreateUserRequest",
    "jeton.admin.v1.SetUserPasswordRequest",
    "jeton.hooks.v1.CheckCredentialRequest",
    "jeton.pages.v1.GetInteractionRequest",
    "jeton.pages.v1.GetInteractionResponse",
    "jeton.pages.v1.GetSignInRequest",
    "jeton.pages.v1.SignInRequest",
    "jeton.pages.v1.SignInResponse",
    "jeton.pages.v1.DecideConsentRequest",
    "jeton.pages.v1.DecideConsentResponse",
    "jeton.pages.v1.GetCodeRequest",
    "jeton.pages.v1.GetCodeResponse",
    "jeton.pages.v1.RegisterApplicationResponse",
    "jeton.pages.v1.ConsentPage",
    "jeton.pages.v1.GetSignInResponse",
    "jeton.pages.v1.GetSignOutResponse",
    "jeton.pages.v1.SignOutRequest",
    "jeton.pages.v1.PersonalPage",
    "jeton.pages.v1.RegisterApplicationRequest",
    "jeton.pages.v1.UpdateApplicationRequest",
    "jeton.pages.v1.RotateApplicationSecretRequest",
    "jeton.pages.v1.DeleteApplicationRequest",
    "jeton.pages.v1.WithdrawConsentRequest",
    "jeton.pages.v1.RotateApplicationSecretResponse",
    "jeton.storage.v1.DataKeys",
    "jeton.storage.v1.DumpItem",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let protos = [
        "jeton/v1/error.proto",
        "jeton/v1/client.proto",
        "jeton/v1/authorization.proto",
        "jeton/v1/token.proto",
        "jeton/v1/metadata.proto",
        "jeton/admin/v1/workspace.proto",
        "jeton/admin/v1/client.proto",
        "jeton/admin/v1/key.proto",
        "jeton/admin/v1/user.proto",
        "jeton/admin/v1/policy.proto",
        "jeton/admin/v1/scope.proto",
        "jeton/hooks/v1/credential.proto",
        "jeton/pages/v1/interaction.proto",
        "jeton/pages/v1/application.proto",
        "jeton/storage/v1/records.proto",
        "jeton/storage/v1/dump.proto",
    ];
    let descriptors = protox::compile(protos, ["proto"])?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // tonic_prost_build::compile_fds does not write the descriptor set that reflection serves.
    let mut public = descriptors.clone();
    public.file.retain(|file| !["jeton.hooks.v1", "jeton.pages.v1", "jeton.storage.v1"].contains(&file.package()));
    std::fs::write(out.join("jeton.fds"), public.encode_to_vec())?;

    tonic_prost_build::configure().skip_debug(SECRET_MESSAGES).compile_fds(descriptors)?;
    Ok(())
}
