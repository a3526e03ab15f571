//! What may be said of how pages look: an https picture and a plain colour, so that neither can carry
//! anything else into a page or its policy.

use url::Url;

use crate::types::branding::Branding;

const MAX_URI_BYTES: usize = 512;

/// Checks a picture and a colour; an empty text is not set.
///
/// # Errors
/// The field that is not right, and why.
pub(super) fn check_branding(logo_uri: &str, color: &str) -> Result<Branding, (&'static str, &'static str)> {
    if !logo_uri.is_empty() && !picture(logo_uri) {
        return Err(("logo_uri", "must be an https URI of at most 512 characters without user information"));
    }
    if !color.is_empty() && !plain_color(color) {
        return Err(("brand_color", "must be a colour like #1c6e8c: a hash and six hexadecimal digits"));
    }
    let set = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(Branding { logo_uri: set(logo_uri), color: set(color).map(|color| color.to_ascii_lowercase()) })
}

fn picture(text: &str) -> bool {
    // Nothing that ends a source or a directive of a Content-Security-Policy.
    let printable = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'\'' | b'"' | b'<' | b'>' | b'\\'));
    let https = Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https" && url.host().is_some() && url.username().is_empty() && url.password().is_none()
    });
    printable && https && text.len() <= MAX_URI_BYTES
}

fn plain_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
