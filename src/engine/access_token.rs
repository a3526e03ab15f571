//! Access tokens as JWTs (RFC 9068): their claims and their ids.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::ids::GrantId;
use crate::types::time::UnixMillis;

/// The claims of an access token (RFC 9068 section 2.2), in the order they are written.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims<'a> {
    /// The issuer.
    pub iss: std::borrow::Cow<'a, str>,
    /// The audience.
    pub aud: std::borrow::Cow<'a, str>,
    /// The subject: the person, or the client itself.
    pub sub: std::borrow::Cow<'a, str>,
    /// The client.
    pub client_id: std::borrow::Cow<'a, str>,
    /// Absent when nothing was granted by name.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub scope: std::borrow::Cow<'a, str>,
    /// Unix seconds of the issue.
    pub iat: i64,
    /// Unix seconds of the end.
    pub exp: i64,
    /// Unix seconds of the person's sign-in; absent for a client's own token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The token's id.
    pub jti: std::borrow::Cow<'a, str>,
}

/// What an access token's `jti` says: when it was issued, to the millisecond, and for which grant.
/// So a token without a stored row can still be told to have been issued before a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jti {
    /// `None` for a client's own token.
    pub grant: Option<GrantId>,
    /// When it was issued.
    pub issued_at: UnixMillis,
    random: [u8; 12],
}

impl Jti {
    /// A new id.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(grant: Option<GrantId>, issued_at: UnixMillis, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut random = [0; 12];
        entropy.fill_id(&mut random)?;
        Ok(Self { grant, issued_at, random })
    }

    /// The id as it stands in the token: 24 characters, or 46 with a grant.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(34);
        bytes.extend_from_slice(self.issued_at.0.to_be_bytes().last_chunk::<6>().unwrap_or(&[0; 6]));
        bytes.extend_from_slice(&self.random);
        if let Some(grant) = self.grant {
            bytes.extend_from_slice(&grant.0);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads an id; `None` when it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, rest) = bytes.split_first_chunk::<6>()?;
        let (random, rest) = rest.split_first_chunk::<12>()?;
        let grant = match rest {
            [] => None,
            grant => Some(GrantId(grant.try_into().ok()?)),
        };
        let mut millis = [0; 8];
        if let Some(low) = millis.last_chunk_mut::<6>() {
            *low = *time;
        }
        Some(Self { grant, issued_at: UnixMillis(i64::from_be_bytes(millis)), random: *random })
    }
}
