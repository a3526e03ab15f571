//! Fields that a message writes differently: empty text and zero stand for none.

use crate::pb::storage::v1 as pb;
use crate::types::branding::Branding;
use crate::types::lifetime::Lifetimes;
use crate::types::secret::SecretDigest;

/// A text, or none when it is empty.
pub fn text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A digest.
pub fn digest(bytes: &[u8]) -> Option<SecretDigest> {
    bytes.try_into().ok().map(SecretDigest)
}

/// A digest that may be missing; the outer `None` is for bytes that are none.
#[allow(clippy::option_option)] // Malformed is another thing than missing.
pub fn optional_digest(bytes: &[u8]) -> Option<Option<SecretDigest>> {
    if bytes.is_empty() { Some(None) } else { digest(bytes).map(Some) }
}

/// How an optional digest is written.
pub fn digest_bytes(digest: Option<SecretDigest>) -> Vec<u8> {
    digest.map(|digest| digest.0.to_vec()).unwrap_or_default()
}

/// Lifetimes as they are written.
pub fn lifetimes_message(lifetimes: Lifetimes) -> pb::Lifetimes {
    pb::Lifetimes {
        access_token: lifetimes.access_token.unwrap_or_default(),
        refresh_idle: lifetimes.refresh_idle.unwrap_or_default(),
        refresh_absolute: lifetimes.refresh_absolute.unwrap_or_default(),
    }
}

/// Lifetimes as they were written.
pub fn lifetimes(message: Option<pb::Lifetimes>) -> Lifetimes {
    let message = message.unwrap_or_default();
    let set = |seconds: i64| (seconds != 0).then_some(seconds);
    Lifetimes {
        access_token: set(message.access_token),
        refresh_idle: set(message.refresh_idle),
        refresh_absolute: set(message.refresh_absolute),
    }
}

/// Branding as it is written.
pub fn branding_message(branding: &Branding) -> pb::Branding {
    pb::Branding { logo_uri: branding.logo_uri.clone().unwrap_or_default(), color: branding.color.clone().unwrap_or_default() }
}

/// Branding as it was written.
pub fn branding(message: Option<pb::Branding>) -> Branding {
    let message = message.unwrap_or_default();
    Branding { logo_uri: text(message.logo_uri), color: text(message.color) }
}
