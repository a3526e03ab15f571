//! Registering, changing and deleting applications, as their owner or as the workspace's administrator.

use crate::engine::Engine;
use crate::engine::applications::form::blank_application;
use crate::engine::applications::{ApplicationForm, MAX_APPLICATIONS, UNKNOWN, concerns};
use crate::engine::clients::Inserted;
use crate::engine::manage_clients::{CHANGED, WithSecret, check_overlap, too_large};
use crate::engine::people::form::SentForm;
use crate::store::Replaced;
use crate::store::client::Client;
use crate::types::error::{ErrorCode, OAuthError, Refusal};

impl Engine {
    /// Registers an application of the person who sent the form.
    ///
    /// # Errors
    /// `access_denied` where people may not register applications, or have as many as they may;
    /// `invalid_redirect_uri`, `invalid_client_metadata`.
    pub async fn register_application(&self, sent: &SentForm, form: ApplicationForm) -> Result<WithSecret, Refusal> {
        let person = sent.person();
        let workspace = person.workspace();
        let refuse = |description| Err(OAuthError::new(ErrorCode::AccessDenied, description).into());
        if !workspace.record.self_registration {
            return refuse("the people of this workspace may not register applications: ask its operator");
        }
        let blank = blank_application(person, self.blank_client()?);
        let blank = self.with_application_preset(workspace, blank)?;
        let mut client = self.apply_form(person, form, blank).await?;
        let secret = self.add_secret(workspace, &mut client)?;
        let inserted = self.clients.insert_owned(workspace.record.id, person.subject(), &client, MAX_APPLICATIONS);
        match inserted.await.map_err(too_large)? {
            Inserted::Done => Ok(WithSecret { client, secret: Some(secret) }),
            Inserted::TooMany => refuse("a person may register at most 20 applications: delete one first"),
            Inserted::Taken => Err(OAuthError::server_error("a client id came up twice").into()),
        }
    }

    /// Replaces what a form says of an application; what an operator set stays.
    ///
    /// # Errors
    /// `NotFound`, also for another person's; `Changed` when it has another revision; as a registration.
    pub async fn update_application(
        &self,
        sent: &SentForm,
        client_id: &str,
        form: ApplicationForm,
        revision: u64,
    ) -> Result<Client, Refusal> {
        let person = sent.person();
        let before = self.application(person, client_id).await?;
        if before.revision != revision {
            return Err(CHANGED);
        }
        let changed = self.apply_form(person, form, before).await?;
        let changed = Client { revision: revision.saturating_add(1), ..changed };
        match self.clients.replace(person.workspace().record.id, revision, &changed).await.map_err(too_large)? {
            Replaced::Done => Ok(changed),
            Replaced::Missing => Err(UNKNOWN),
            Replaced::Changed => Err(CHANGED),
        }
    }

    /// Makes a second secret.  The present one ends after `overlap` seconds.
    ///
    /// # Errors
    /// `NotFound`, also for another person's; `InvalidField` for a bad overlap; `invalid_client_metadata`
    /// for a public client; `PermissionDenied` for another's with permissions, which an operator gave to its
    /// keeper and not to the workspace's administrator (threat I3).
    pub async fn rotate_application_secret(&self, sent: &SentForm, client_id: &str, overlap: i64) -> Result<WithSecret, Refusal> {
        check_overlap(overlap)?;
        let person = sent.person();
        let mut secret = None;
        let client = self
            .change_client(&person.workspace().record.name, client_id, |workspace, client| {
                if !concerns(person, &client) {
                    return Err(UNKNOWN);
                }
                if !client.permissions.is_empty() && client.owner.as_ref() != Some(person.subject()) {
                    return Err(Refusal::PermissionDenied(
                        "an operator gave this application permissions: only an operator, or its owner, makes a new secret for it",
                    ));
                }
                let (client, made) = self.rotated(workspace, client, overlap)?;
                secret = Some(made);
                Ok(client)
            })
            .await;
        // Another person's application and none are answered in the same words.
        let client = client.map_err(|refusal| if let Refusal::NotFound(_) = refusal { UNKNOWN } else { refusal })?;
        Ok(WithSecret { client, secret })
    }

    /// Deletes an application.  Its tokens are not active any more.
    ///
    /// # Errors
    /// `NotFound`, also for another person's.
    pub async fn delete_application(&self, sent: &SentForm, client_id: &str) -> Result<(), Refusal> {
        let person = sent.person();
        // An owner never changes, so that this stays true until the deletion.
        let client = self.application(person, client_id).await?;
        let deleted = self.clients.delete(person.workspace().record.id, &client.id).await?;
        if deleted { Ok(()) } else { Err(UNKNOWN) }
    }
}
