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

    /// How many entries to list: one more than the page has, so that the last page is known as such.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.size.saturating_add(1)
    }
}

/// Cuts what was listed, up to [`PageRequest::limit`], down to the page, and tells the token of the
/// next one: empty when this is the last.
#[must_use]
pub fn cut_page<T>(listed: &mut Vec<T>, page: &PageRequest, key: impl Fn(&T) -> String) -> String {
    if listed.len() <= page.size {
        return String::new();
    }
    listed.truncate(page.size);
    listed.last().map(|last| URL_SAFE_NO_PAD.encode(key(last))).unwrap_or_default()
}
