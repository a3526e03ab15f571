//! The person whose browser asks for a page, and the proof that they sent one of its forms.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::people::csrf::NOT_OURS;
use crate::engine::people::session::SignedIn;
use crate::engine::people::sign_in::Visitor;
use crate::engine::workspaces::WorkspaceEntry;
use crate::types::error::{ErrorCode, OAuthError, Refusal};

/// Proof that a signed-in person sent a form that our own page made for their browser.
#[derive(Clone, Debug)]
pub struct SentForm(SignedIn);

impl SentForm {
    /// Who sent it.
    #[must_use]
    pub fn person(&self) -> &SignedIn {
        &self.0
    }
}

impl Engine {
    /// The person who is signed in with a browser.
    ///
    /// # Errors
    /// `login_required` when nobody is.
    pub(crate) async fn person(&self, workspace: &Arc<WorkspaceEntry>, visitor: &Visitor) -> Result<SignedIn, OAuthError> {
        let person = self.signed_in(workspace, visitor.session.as_ref()).await?;
        person.ok_or_else(|| OAuthError::new(ErrorCode::LoginRequired, "nobody is signed in with this browser, or no longer"))
    }

    /// Checks a form that changes something.
    ///
    /// # Errors
    /// `PermissionDenied` when it is not of a page of ours for this browser and person, `login_required`
    /// when nobody is signed in.
    pub(crate) async fn sent_form(
        &self,
        workspace: &Arc<WorkspaceEntry>,
        visitor: &Visitor,
        csrf_token: &str,
    ) -> Result<SentForm, Refusal> {
        let browser = visitor.browser.as_ref().ok_or(NOT_OURS)?;
        let person = self.person(workspace, visitor).await?;
        self.check_personal_csrf(&person, browser, csrf_token)?;
        Ok(SentForm(person))
    }
}
