//! Pages of a listing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::types::error::Refusal;

const DEFAULT_SIZE: usize = 50;
const MAX_SIZE: usize = 500;

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many entries at most.
    pub size: usize,
    /// The last entry of the page before.
    pub after: Option<String>,
}

impl PageRequest {
    /// Reads `page_size` and `page_token`.
    ///
    /// # Errors
    /// `InvalidField` when one is out of range or not from an answer before.
    pub fn parse(size: i32, token: &str) -> Result<Self, Refusal> {
        let size = match usize::try_from(size) {
            Ok(0) => DEFAULT_SIZE,
            Ok(size) if size <= MAX_SIZE => size,
            _ => return Err(Refusal::InvalidField("page_size", "must be 0 to 500".into())),
        };
        let malformed = || Refusal::InvalidField("page_token", "is not one that was answered before".into());
        let after = match token {
            "" => None,
            token => {
                let decoded = URL_SAFE_NO_PAD.decode(token).map_err(|_| malformed())?;
                Some(String::from_utf8(decoded).map_err(|_| malformed())?)
            }
        };
        Ok(Self { size, after })
    }
}

/// The token of the next page: empty when `entries` did not fill this one.
#[must_use]
pub fn next_page_token<T>(entries: &[T], size: usize, key: impl Fn(&T) -> String) -> String {
    match entries.last() {
        Some(last) if entries.len() >= size => URL_SAFE_NO_PAD.encode(key(last)),
        _ => String::new(),
    }
}
