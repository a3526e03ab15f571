//! Forms that only our own pages can have made: each carries a token that follows from the cookie of
//! its browser, so that another site, which cannot read that cookie, cannot know it (threat J2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::Engine;
use crate::keys::data_keys::Purpose;
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceId;
use crate::types::secret::{Secret, SecretDigest};

const NOT_OURS: Refusal =
    Refusal::PermissionDenied("the form was not made by this server for this browser: go back, reload the page and try again");

impl Engine {
    /// The token for the forms of a browser.
    pub fn csrf_token(&self, workspace: WorkspaceId, browser: &Secret) -> Secret {
        let digest = self.data_keys.newest().digest(Purpose::Csrf, workspace, browser.expose_secret());
        Secret::new(URL_SAFE_NO_PAD.encode(digest.0))
    }

    /// Checks the token of a form that was sent.
    ///
    /// # Errors
    /// `PermissionDenied` when the form is not of a page of ours, or not of this browser.
    pub(crate) fn check_csrf(&self, workspace: WorkspaceId, browser: Option<&Secret>, token: &str) -> Result<(), Refusal> {
        let browser = browser.ok_or(NOT_OURS)?;
        let sent: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NOT_OURS)?;
        let expected = |keys: &crate::keys::data_keys::DataKeys| keys.digest(Purpose::Csrf, workspace, browser.expose_secret());
        let good = self.data_keys.all().any(|keys| expected(keys).matches(&SecretDigest(sent)));
        if good { Ok(()) } else { Err(NOT_OURS) }
    }
}
