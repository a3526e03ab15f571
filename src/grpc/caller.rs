//! Who makes a trusted call: the `authorization` metadata.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tonic::metadata::MetadataMap;

use crate::engine::client_auth::ClientCredential;
use crate::engine::trusted::CallerCredential;
use crate::types::secret::Secret;

/// Reads the credential of a call; whatever cannot be read is none.
#[must_use]
pub fn caller(metadata: &MetadataMap) -> CallerCredential {
    let mut values = metadata.get_all("authorization").iter();
    let (Some(value), None) = (values.next(), values.next()) else { return CallerCredential::None };
    let Some((scheme, credential)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return CallerCredential::None;
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return CallerCredential::AdminToken(Secret::new(credential.trim().to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return CallerCredential::None;
    }
    let decoded = STANDARD.decode(credential.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((client_id, secret)) => CallerCredential::Client(ClientCredential::Secret {
            client_id: client_id.to_owned(),
            secret: Secret::new(secret.to_owned()),
        }),
        None => CallerCredential::None,
    }
}
