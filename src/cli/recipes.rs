//! The commands that `jeton serve --dev` prints: each works as it stands in a POSIX shell.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::dev::{Credentials, REDIRECT_URI, Seeded, USER};
use crate::server::start::Running;

/// RFC 7636 appendix B.
const CODE_VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The commands, with what they show as shell comments, so that the whole text can be pasted.
/// Identifiers, secrets and tokens are of `[A-Za-z0-9_.-]`, so nothing has to be escaped.
pub fn lines(running: &Running, seeded: &Seeded) -> Vec<String> {
    let http = format!("http://{}", running.addresses.http);
    let grpc = running.addresses.grpc;
    let service = curl_user(&seeded.service);
    let web = curl_user(&seeded.web);
    let basic = STANDARD.encode(format!("{}:{}", seeded.login.client_id, seeded.login.client_secret.expose_secret()));
    let token = format!("{http}/oauth2/token");
    vec![
        String::new(),
        "# DEVELOPMENT MODE: the secrets below are for this machine only.  Paste these into a shell.".to_owned(),
        String::new(),
        format!("# In a browser: {USER} signs in with the password {}", seeded.password.expose_secret()),
        "# ... to register an application:".to_owned(),
        format!("#   {http}/oauth2/apps"),
        "# ... or to be asked by the web application, whose own address nobody serves:".to_owned(),
        format!(
            "#   {http}/oauth2/authorize?response_type=code&client_id={}&redirect_uri={REDIRECT_URI}&scope=read+write\
             &code_challenge={CODE_CHALLENGE}&code_challenge_method=S256",
            seeded.web.client_id,
        ),
        String::new(),
        "# A token for a service (RFC 6749 section 4.4), over REST and over gRPC".to_owned(),
        format!("curl -sS -u {service} -d grant_type=client_credentials {token}; echo"),
        format!(
            "grpcurl -plaintext -d '{{\"client_authentication\":{{\"client_secret_basic\":{{\"client_id\":\"{}\",\
             \"client_secret\":\"{}\"}}}},\"client_credentials\":{{\"scope\":\"read write\"}}}}' \
             {grpc} jeton.v1.TokenService/IssueToken",
            seeded.service.client_id,
            seeded.service.client_secret.expose_secret(),
        ),
        String::new(),
        format!("# A login application has a code issued for {USER}; it ends soon, so go on at once"),
        format!(
            "CODE=$(grpcurl -plaintext -H 'authorization: Basic {basic}' -d '{{\"client_id\":\"{}\",\
             \"redirect_uri\":\"{REDIRECT_URI}\",\"scope\":\"read\",\"code_challenge\":\"{CODE_CHALLENGE}\",\
             \"code_challenge_method\":\"S256\",\"subject\":\"{USER}\"}}' \
             {grpc} jeton.v1.AuthorizationService/IssueCode | {})",
            seeded.web.client_id,
            member("code"),
        ),
        String::new(),
        "# The web application exchanges it (RFC 6749 section 4.1.3)".to_owned(),
        format!(
            "TOKENS=$(curl -sS -u {web} -d grant_type=authorization_code -d \"code=$CODE\" \
             -d redirect_uri={REDIRECT_URI} -d code_verifier={CODE_VERIFIER} {token}); echo \"$TOKENS\""
        ),
        String::new(),
        "# ... and refreshes (RFC 6749 section 6)".to_owned(),
        format!("REFRESH_TOKEN=$(printf '%s\\n' \"$TOKENS\" | {})", member("refresh_token")),
        format!(
            "TOKENS=$(curl -sS -u {web} -d grant_type=refresh_token -d \"refresh_token=$REFRESH_TOKEN\" {token}); \
             echo \"$TOKENS\""
        ),
        String::new(),
        "# Introspect, revoke, and see that it has ended (RFC 7662, RFC 7009)".to_owned(),
        format!("ACCESS_TOKEN=$(printf '%s\\n' \"$TOKENS\" | {})", member("access_token")),
        format!("curl -sS -u {web} -d \"token=$ACCESS_TOKEN\" {http}/oauth2/introspect; echo"),
        format!("curl -sS -u {web} -d \"token=$ACCESS_TOKEN\" {http}/oauth2/revoke"),
        format!("curl -sS -u {web} -d \"token=$ACCESS_TOKEN\" {http}/oauth2/introspect; echo"),
        String::new(),
        "# What verifiers and clients need to know (RFC 7517, RFC 8414)".to_owned(),
        format!("curl -sS {http}/oauth2/jwks; echo"),
        format!("curl -sS {http}/.well-known/oauth-authorization-server; echo"),
    ]
}

fn curl_user(credentials: &Credentials) -> String {
    format!("'{}:{}'", credentials.client_id, credentials.client_secret.expose_secret())
}

/// Takes one text member out of a JSON answer, without jq.
fn member(name: &str) -> String {
    format!("sed -n 's/.*\"{name}\": *\"\\([^\"]*\\)\".*/\\1/p'")
}
