//! The applications that people register themselves: each is a client with an owner.

mod change;
mod consent_url;
mod form;

pub use consent_url::consent_url;
pub use form::ApplicationForm;

use crate::engine::Engine;
use crate::engine::authorize::code_page;
use crate::engine::manage_scopes::ScopeInWords;
use crate::engine::page::PageRequest;
use crate::engine::people::session::SignedIn;
use crate::store::client::Client;
use crate::types::error::Refusal;
use crate::types::ids::ClientId;

/// How many applications one person may have.
const MAX_APPLICATIONS: usize = 20;

const UNKNOWN: Refusal = Refusal::NotFound("you have no such application");

/// What the registration form offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The scopes that the person may choose from.
    pub scopes: Vec<ScopeInWords>,
    /// The server's own code page.
    pub code_page: String,
}

impl Engine {
    /// One page of the applications that a person may see, and the first of the next.
    ///
    /// # Errors
    /// `InvalidField` for a page token from elsewhere.
    pub async fn applications(&self, person: &SignedIn, page: &PageRequest) -> Result<Vec<Client>, Refusal> {
        let after = page.after.as_deref().map(ClientId::parse).transpose();
        let after = after.map_err(|_| Refusal::InvalidField("page_token", "is not one that was answered before".into()))?;
        let id = person.workspace().record.id;
        Ok(match person.administrator() {
            true => self.store.clients(id, after.as_ref(), page.limit()).await?,
            false => self.store.clients_of(id, person.subject(), after.as_ref(), page.limit()).await?,
        })
    }

    /// One application.
    ///
    /// # Errors
    /// `NotFound`, also for another person's.
    pub async fn application(&self, person: &SignedIn, client_id: &str) -> Result<Client, Refusal> {
        let id = ClientId::parse(client_id).map_err(|_| UNKNOWN)?;
        let client = self.store.client(person.workspace().record.id, &id).await?;
        client.filter(|client| concerns(person, client)).ok_or(UNKNOWN)
    }

    /// Whether a person may register one more application.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn may_register(&self, person: &SignedIn) -> Result<bool, Refusal> {
        let record = &person.workspace().record;
        let own = self.store.clients_of(record.id, person.subject(), None, MAX_APPLICATIONS).await?;
        Ok(record.self_registration && own.len() < MAX_APPLICATIONS)
    }

    /// What a person may choose from.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn offer(&self, person: &SignedIn) -> Result<Offer, Refusal> {
        let registry = self.store.scopes(person.workspace().record.id).await?;
        let offered = registry.into_iter().filter(|entry| person.administrator() || !entry.restricted);
        Ok(Offer { scopes: offered.map(ScopeInWords::from).collect(), code_page: code_page(person.workspace()) })
    }

    /// What a person may choose from for an application, with all that an operator gave it: its form would take away
    /// what it does not show.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn offer_for(&self, person: &SignedIn, application: &Client) -> Result<Offer, Refusal> {
        let mut offer = self.offer(person).await?;
        let mut given = self.in_words(person.workspace().record.id, &application.scope).await?;
        given.retain(|word| offer.scopes.iter().all(|offered| offered.name != word.name));
        offer.scopes.append(&mut given);
        Ok(offer)
    }
}

/// Whether an application is the person's business.
fn concerns(person: &SignedIn, client: &Client) -> bool {
    person.administrator() || client.owner.as_ref() == Some(person.subject())
}
