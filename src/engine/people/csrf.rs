//! Forms that only our own pages can have made: each carries a token that follows from the cookie of
//! its browser, so that another site, which cannot read that cookie, cannot know it (threat J2).
//!
//! The forms of a signed-in person follow from the person too: what alice was asked is not decided by bob, who
//! signed in with the same browser while her page was open.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::Engine;
use crate::engine::people::session::SignedIn;
use crate::keys::data_keys::{DataKeys, Purpose};
use crate::types::error::Refusal;
use crate::types::ids::WorkspaceId;
use crate::types::secret::{Secret, SecretDigest};

pub(super) const NOT_OURS: Refusal =
    Refusal::PermissionDenied("the form was not made by this server for this browser: go back, reload the page and try again");
const OTHER_PERSON: Refusal = Refusal::PermissionDenied(
    "the form was not made by this server for this browser and who is signed in now: go back, reload the page and try again",
);

impl Engine {
    /// The token for the forms that sign a browser in and out.
    pub fn csrf_token(&self, workspace: WorkspaceId, browser: &Secret) -> Secret {
        self.form_token(workspace, browser)
    }

    /// The token for the forms of a person's pages.
    pub fn personal_csrf_token(&self, person: &SignedIn, browser: &Secret) -> Secret {
        self.form_token(person.workspace().record.id, &of_both(browser, person))
    }

    /// Checks the token of a form that signs in or out.
    ///
    /// # Errors
    /// `PermissionDenied` when the form is not of a page of ours, or not of this browser.
    pub(crate) fn check_csrf(&self, workspace: WorkspaceId, browser: Option<&Secret>, token: &str) -> Result<(), Refusal> {
        let browser = browser.ok_or(NOT_OURS)?;
        if self.made_here(workspace, browser, token) { Ok(()) } else { Err(NOT_OURS) }
    }

    /// Checks the token of a form of a person's pages.
    ///
    /// # Errors
    /// `PermissionDenied` when the form is not of a page of ours, or of another browser or person.
    pub(super) fn check_personal_csrf(&self, person: &SignedIn, browser: &Secret, token: &str) -> Result<(), Refusal> {
        let good = self.made_here(person.workspace().record.id, &of_both(browser, person), token);
        if good { Ok(()) } else { Err(OTHER_PERSON) }
    }

    fn form_token(&self, workspace: WorkspaceId, whose: &Secret) -> Secret {
        let digest = self.data_keys.newest().digest(Purpose::Csrf, workspace, whose.expose_secret());
        Secret::new(URL_SAFE_NO_PAD.encode(digest.0))
    }

    fn made_here(&self, workspace: WorkspaceId, whose: &Secret, token: &str) -> bool {
        let sent: Option<[u8; 32]> = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok());
        sent.is_some_and(|sent| {
            let digest = |keys: &DataKeys| keys.digest(Purpose::Csrf, workspace, whose.expose_secret());
            self.data_keys.all().any(|keys| digest(keys).matches(&SecretDigest(sent)))
        })
    }
}

/// A browser's cookie and a person.  The cookie is base64url, so that the space ends it.
fn of_both(browser: &Secret, person: &SignedIn) -> Secret {
    Secret::new(format!("{} {}", browser.expose_secret(), person.subject().as_str()))
}
