//! How pages look.

/// A picture and a colour; both were checked when they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    /// An https URL of a picture (RFC 7591 section 2, `logo_uri`).
    pub logo_uri: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
}
