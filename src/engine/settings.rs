//! What an operator decides of the rules.

use std::time::Duration;

/// The settings of the engine.  Lifetimes are in seconds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The default workspace's issuer identifier (RFC 8414 section 2), without a trailing slash.
    /// Every other workspace's is this, a slash and its name.
    pub issuer: String,
    /// Access tokens, where neither client nor workspace says otherwise.
    pub access_token_lifetime: i64,
    /// Refresh tokens that are not used, likewise.
    pub refresh_idle_lifetime: i64,
    /// Grants, likewise.
    pub refresh_absolute_lifetime: i64,
    /// Authorization codes (RFC 6749 section 4.1.2 asks for at most ten minutes; FAPI 2.0 for one).
    pub code_lifetime: i64,
    /// Authorization requests that wait for a person.
    pub request_lifetime: i64,
    /// Sessions of people who signed in on the pages.
    pub session_lifetime: i64,
    /// The least characters of a new password.
    pub password_min_length: usize,
    /// Codes that a person copies from the page that shows them (RFC 6749 section 4.1.2: ten minutes at most).
    pub shown_code_lifetime: i64,
    /// How long a refresh token may be presented again when its answer was lost; 0 for never.
    pub refresh_retry_window: i64,
    /// How far clocks may differ.
    pub clock_skew: i64,
    /// How long a signing key is published before it signs.
    pub key_announce: i64,
    /// How long a signing key signs before the schedule makes the next one; 0 for no schedule.
    pub key_rotation_interval: i64,
    /// How old what is in memory may be where other replicas change the store too.
    pub staleness: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "http://127.0.0.1:8080".to_owned(),
            access_token_lifetime: 900,
            refresh_idle_lifetime: 14 * 86_400,
            refresh_absolute_lifetime: 90 * 86_400,
            code_lifetime: 60,
            request_lifetime: 600,
            session_lifetime: 12 * 3600,
            password_min_length: 8,
            shown_code_lifetime: 600,
            refresh_retry_window: 30,
            clock_skew: 60,
            // istiod fetches keys every 20 minutes.
            key_announce: 1800,
            key_rotation_interval: 90 * 86_400,
            staleness: Duration::from_secs(5),
        }
    }
}
