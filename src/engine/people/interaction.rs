//! What comes next of an authorization request: a sign-in, the person's consent, or its end.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::authorize::decide::{Approval, Verdict};
use crate::engine::authorize::shows_code;
use crate::engine::manage_scopes::ScopeInWords;
use crate::engine::people::asked::{Asked, Stage};
use crate::engine::people::branding_of::{PageBranding, branding_of};
use crate::engine::people::redirect_target::{form_target, redirect_host};
use crate::engine::people::session::SignedIn;
use crate::engine::people::sign_in::Visitor;
use crate::store::client::Client;
use crate::types::authorization::Prompt;
use crate::types::client::{ApplicationType, AuthMethod};
use crate::types::error::{ErrorCode, OAuthError, Refusal};
use crate::types::ids::WorkspaceName;
use crate::types::secret::Secret;

/// What the browser shall see.
#[derive(Debug)]
pub enum Interaction {
    /// The person must sign in first.
    SignIn,
    /// The person is asked.
    Consent(Box<ConsentPage>),
    /// The request has ended: the browser goes there.
    Redirect(String),
}

/// What the person is asked.
#[derive(Debug)]
pub struct ConsentPage {
    /// How it looks.
    pub branding: PageBranding,
    /// Who is asked.
    pub person: SignedIn,
    /// Who asks.
    pub client: Arc<Client>,
    /// Everything that would be granted.
    pub scopes: Vec<ScopeInWords>,
    /// Where the answer goes, in words.
    pub redirect_host: String,
    /// Where the form may lead.
    pub form_target: String,
    /// Whether the answer is shown on the server's own page.
    pub shows_code: bool,
}

/// What the sign-in page shows.
#[derive(Debug)]
pub struct SignInPage {
    /// How it looks.
    pub branding: PageBranding,
    /// Who asks; empty without a request.
    pub client_name: String,
    /// Where the form may lead; empty without a request.
    pub form_target: String,
}

/// What a person says on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, to everything that was shown.
    Allow,
    /// No.
    Deny,
}

impl Engine {
    /// What comes next.  Asking again answers the same.
    ///
    /// # Errors
    /// `invalid_request` if the handle is unknown, over, or another browser's; `unauthorized_client`
    /// while the workspace is suspended, the client is disabled, or a login application decides.
    pub(crate) async fn interaction(
        &self,
        name: &WorkspaceName,
        visitor: &Visitor,
        handle: &Secret,
    ) -> Result<Interaction, Refusal> {
        let asked = self.asked(name, visitor, handle).await?;
        let silent = asked.request.prompt.contains(&Prompt::None);
        let signed_in = self.signed_in(&asked.workspace, visitor.session.as_ref()).await?;
        let Some(person) = signed_in.filter(|person| self.satisfies(person, &asked)) else {
            return match silent {
                true => self.end(name, &asked, Verdict::Deny(ErrorCode::LoginRequired)).await,
                false => Ok(Interaction::SignIn),
            };
        };
        let refused = if silent { ErrorCode::ConsentRequired } else { ErrorCode::AccessDenied };
        match asked.stage {
            Stage::Allowed => return self.end(name, &asked, approve(&person)).await,
            Stage::Denied => return self.end(name, &asked, Verdict::Deny(refused)).await,
            Stage::Waits if self.allowed_before(&person, &asked).await? => {
                return self.end(name, &asked, approve(&person)).await;
            }
            Stage::Waits if silent => return self.end(name, &asked, Verdict::Deny(refused)).await,
            Stage::Waits => {}
        }
        Ok(Interaction::Consent(Box::new(ConsentPage {
            branding: branding_of(&asked.workspace, Some(&asked.client)),
            scopes: self.in_words(asked.workspace.record.id, &asked.request.scope).await?,
            redirect_host: redirect_host(&asked.request.redirect_uri),
            form_target: form_target(&asked.request.redirect_uri),
            shows_code: shows_code(&asked.workspace, asked.request.redirect_uri.as_str()),
            client: asked.client,
            person,
        })))
    }

    /// Decides as the person said, and says where the browser goes.  Sending the form again answers
    /// the same and issues nothing twice.
    ///
    /// # Errors
    /// As [`Engine::interaction`]; `PermissionDenied` for a form that is not ours, `login_required` when
    /// the session has ended, `invalid_request` when the request was decided otherwise.
    pub(crate) async fn decide_consent(
        &self,
        name: &WorkspaceName,
        visitor: &Visitor,
        csrf_token: &str,
        handle: &Secret,
        answer: Answer,
    ) -> Result<String, Refusal> {
        let form = self.sent_form(&self.workspace(name)?, visitor, csrf_token).await?;
        let person = form.person();
        // What is granted, to whom and where to is read from the request that is kept: the form says
        // only which one (threat C7).
        let asked = self.asked(name, visitor, handle).await?;
        if !self.satisfies(person, &asked) {
            let description = "the request asks for a newer sign-in";
            return Err(OAuthError::new(ErrorCode::LoginRequired, description).into());
        }
        let verdict = match answer {
            Answer::Deny => Verdict::Deny(ErrorCode::AccessDenied),
            Answer::Allow => {
                let id = asked.workspace.record.id;
                self.require_newer_than_withdrawal(person, &asked).await?;
                // Before the decision, so that nothing is granted that the person could not withdraw.
                if asked.stage == Stage::Waits {
                    self.remember_consent(id, person.subject(), &asked.client.id, &asked.request.scope).await?;
                }
                approve(person)
            }
        };
        self.decide_in_browser(name, &asked.handle, &asked.browser, verdict).await
    }

    /// What the sign-in page shows for a request of this browser, or for none.
    ///
    /// # Errors
    /// As [`Engine::interaction`].
    pub(crate) async fn sign_in_page(
        &self,
        name: &WorkspaceName,
        visitor: &Visitor,
        handle: Option<&Secret>,
    ) -> Result<SignInPage, Refusal> {
        let Some(handle) = handle else {
            let workspace = self.require_sign_in_here(name)?;
            let branding = branding_of(&workspace, None);
            return Ok(SignInPage { branding, client_name: String::new(), form_target: String::new() });
        };
        let asked = self.asked(name, visitor, handle).await?;
        Ok(SignInPage {
            branding: branding_of(&asked.workspace, Some(&asked.client)),
            client_name: asked.client.name.clone(),
            form_target: form_target(&asked.request.redirect_uri),
        })
    }

    async fn end(&self, name: &WorkspaceName, asked: &Asked, verdict: Verdict) -> Result<Interaction, Refusal> {
        Ok(Interaction::Redirect(self.decide_in_browser(name, &asked.handle, &asked.browser, verdict).await?))
    }

    /// Whether a session is as new as the request wants it (OpenID Connect Core 1.0 section 3.1.2.1).
    fn satisfies(&self, person: &SignedIn, asked: &Asked) -> bool {
        let newer = person.signed_in_at() >= asked.created_at;
        let again = asked.request.prompt.iter().any(|prompt| matches!(prompt, Prompt::Login | Prompt::SelectAccount));
        let age = self.now().since(person.signed_in_at().seconds());
        let young = asked.request.max_age.is_none_or(|most| {
            // Who has just signed in for this very request has the time to read the next page.
            let most = if newer { most.saturating_add(self.settings.clock_skew) } else { most };
            age <= most
        });
        young && (newer || !again)
    }

    /// Whether the person need not be asked again.
    async fn allowed_before(&self, person: &SignedIn, asked: &Asked) -> Result<bool, Refusal> {
        self.require_newer_than_withdrawal(person, asked).await?;
        if asked.request.prompt.contains(&Prompt::Consent) || !unmistakable(asked) {
            return Ok(false);
        }
        let consent = self.store.consent(asked.workspace.record.id, person.subject(), &asked.client.id).await?;
        Ok(consent.is_some_and(|consent| !consent.scope.is_empty() && asked.request.scope.within(&consent.scope)))
    }

    /// A grant counts from the moment of its request, so that what began before a withdrawal ends with it.
    async fn require_newer_than_withdrawal(&self, person: &SignedIn, asked: &Asked) -> Result<(), OAuthError> {
        let id = asked.workspace.record.id;
        match self.consent_withdrawn(id, person.subject(), &asked.client.id, asked.created_at).await? {
            true => Err(OAuthError::invalid_request(
                "the consent was withdrawn after this request had begun: start again from the application",
            )),
            false => Ok(()),
        }
    }
}

fn approve(person: &SignedIn) -> Verdict {
    Verdict::Approve(Approval {
        subject: person.subject().clone(),
        scope: None,
        auth_time: Some(person.signed_in_at().seconds()),
    })
}

/// Whether it is sure who gets the answer (threat J3): whoever can make another program receive it,
/// or can pass for the client, would get a code without anybody looking.
fn unmistakable(asked: &Asked) -> bool {
    let uri = asked.request.redirect_uri.as_str();
    asked.client.auth_method != AuthMethod::None
        && asked.client.application_type == ApplicationType::Web
        && uri.starts_with("https://")
        && !shows_code(&asked.workspace, uri)
}
