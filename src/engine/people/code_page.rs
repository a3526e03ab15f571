//! The page that shows a code, for applications that no browser can be sent back to.

use crate::engine::Engine;
use crate::engine::manage_scopes::ScopeInWords;
use crate::engine::people::branding_of::{PageBranding, branding_of};
use crate::engine::people::sign_in::Visitor;
use crate::types::error::{OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::secret::Secret;

/// What the page shows.
#[derive(Debug)]
pub struct CodePage {
    /// How it looks.
    pub branding: PageBranding,
    /// For the person to copy.
    pub code: Secret,
    /// Whom it is for.
    pub client_name: String,
    /// What it gives.
    pub scopes: Vec<ScopeInWords>,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl Engine {
    /// The code that a handle or a ticket released to this browser.
    ///
    /// # Errors
    /// `invalid_request` when there is none for this browser, or it was used or is over.
    pub(crate) async fn code_page(
        &self,
        name: &WorkspaceName,
        visitor: &Visitor,
        released_by: &Secret,
    ) -> Result<CodePage, Refusal> {
        let workspace = self.workspace(name)?;
        let Some(browser) = &visitor.browser else {
            return Err(OAuthError::invalid_request(
                "the code is shown only in the browser that asked for it, with its cookies: start again",
            )
            .into());
        };
        let shown = self.shown_code(name, released_by, browser).await?;
        Ok(CodePage {
            branding: branding_of(&workspace, Some(&shown.client)),
            code: shown.code,
            client_name: shown.client.name.clone(),
            scopes: self.in_words(workspace.record.id, &shown.scope).await?,
            expires_in: shown.expires_in,
        })
    }
}
