//! What several services read alike.

use crate::engine::client_auth::ClientCredential;
use crate::engine::people::passwords::reserved;
use crate::pb::v1;
use crate::pb::v1::client_authentication::Method;
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::{Subject, WorkspaceName};
use crate::types::lifetime::Lifetimes;
use crate::types::policy::{Policy, Preset};
use crate::types::secret::Secret;
use crate::types::time::UnixSeconds;

/// The workspace that a credential call names: a malformed name is an unknown one, and an unknown
/// one is like an unknown client (threat M1).
pub fn credential_workspace(name: &str) -> Result<WorkspaceName, OAuthError> {
    WorkspaceName::parse(name).map_err(|_| OAuthError::invalid_client())
}

/// The workspace that any other call names.
pub fn workspace(name: &str) -> Result<WorkspaceName, Refusal> {
    WorkspaceName::parse(name).map_err(|_| Refusal::NotFound("there is no such workspace"))
}

/// What a request says of its client.
pub fn credential(authentication: Option<v1::ClientAuthentication>) -> Result<ClientCredential, OAuthError> {
    match authentication.and_then(|authentication| authentication.method) {
        Some(Method::ClientSecretBasic(presented) | Method::ClientSecretPost(presented)) => {
            Ok(ClientCredential::Secret { client_id: presented.client_id, secret: Secret::new(presented.client_secret) })
        }
        Some(Method::None(public)) => Ok(ClientCredential::Public { client_id: public.client_id }),
        None => Err(OAuthError::invalid_client()),
    }
}

/// A token parameter: present, and not longer than one can be.
pub fn token(name: &'static str, value: String) -> Result<Secret, OAuthError> {
    /// Several times the longest token that is ever issued.
    const MAX_BYTES: usize = 16 * 1024;
    let value = Secret::new(value);
    if value.is_empty() {
        return Err(OAuthError::invalid_request(format!("{name} is missing")));
    }
    if value.expose_secret().len() > MAX_BYTES {
        return Err(OAuthError::invalid_request(format!("{name} is longer than any token of this server")));
    }
    Ok(value)
}

/// A parameter that may be absent: empty is absent (RFC 6749 section 3.2).
pub fn optional(value: String) -> Option<String> {
    Some(value).filter(|value| !value.is_empty())
}

/// Lifetimes, where 0 is not set.
pub fn lifetimes(lifetimes: Option<v1::Lifetimes>) -> Lifetimes {
    let set = |seconds: i64| Some(seconds).filter(|&seconds| seconds != 0);
    let sent = lifetimes.unwrap_or_default();
    Lifetimes {
        access_token: set(sent.access_token_seconds),
        refresh_idle: set(sent.refresh_idle_seconds),
        refresh_absolute: set(sent.refresh_absolute_seconds),
    }
}

/// A compatibility policy by its name.
pub fn policy(name: &str) -> Result<Policy, Refusal> {
    Policy::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Policy::ALL.iter().map(|policy| policy.as_str()).collect();
        Refusal::InvalidField("policy", format!("must be one of {}", known.join(", ")).into())
    })
}

/// A preset by its name.
pub fn preset(name: &str) -> Result<Preset, Refusal> {
    Preset::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
        Refusal::InvalidField("preset", format!("must be one of {}", known.join(", ")).into())
    })
}

/// Why a preset is switched on, in the operator's words, else its name.
pub fn preset_reason(preset: Preset, reason: String) -> String {
    if reason.is_empty() { format!("preset {preset}") } else { reason }
}

/// The inverse of [`lifetimes`].
pub fn lifetimes_message(lifetimes: Lifetimes) -> v1::Lifetimes {
    v1::Lifetimes {
        access_token_seconds: lifetimes.access_token.unwrap_or_default(),
        refresh_idle_seconds: lifetimes.refresh_idle.unwrap_or_default(),
        refresh_absolute_seconds: lifetimes.refresh_absolute.unwrap_or_default(),
    }
}

/// A subject that a trusted caller vouches for: a person, never a client.
pub fn subject(text: &str) -> Result<Subject, OAuthError> {
    let subject = Subject::parse(text).map_err(|error| OAuthError::invalid_request(error.to_string()))?;
    match reserved(&subject) {
        true => Err(OAuthError::invalid_request("a subject must not begin with jc_, as the ids of clients do")),
        false => Ok(subject),
    }
}

/// An instant, where 0 is not set.
pub fn instant(name: &'static str, seconds: i64) -> Result<Option<UnixSeconds>, OAuthError> {
    match seconds {
        0 => Ok(None),
        1.. => Ok(Some(UnixSeconds(seconds))),
        _ => Err(OAuthError::invalid_request(format!("{name} must be Unix seconds, or 0 for now"))),
    }
}
