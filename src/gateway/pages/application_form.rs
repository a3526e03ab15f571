//! The fields of an application's form: read from what was sent, and shown again.

use crate::gateway::error::Refused;
use crate::gateway::pages::form::Fields;
use crate::gateway::pages::mistake::{Field, Mistake};
use crate::pb::pages::v1::{ApplicationForm, ScopeDescription};

/// What the form shows.
pub(super) struct FormFields {
    /// As typed.
    pub name: String,
    /// One on each line.
    pub redirect_uris: String,
    /// Every scope that may be chosen.
    pub scopes: Vec<ScopeBox>,
    /// Whether it runs on a person's device.
    pub native: bool,
    /// The server's own code page.
    pub code_page: String,
    mistake: Option<Mistake>,
}

/// A check box.
pub(super) struct ScopeBox {
    /// The scope.
    pub scope: ScopeDescription,
    /// Whether it is ticked.
    pub ticked: bool,
}

impl FormFields {
    /// Of what is known of an application, or was sent.
    pub fn of(form: ApplicationForm, scopes: Vec<ScopeDescription>, code_page: String, mistake: Option<Mistake>) -> Self {
        let ticked = |scope: ScopeDescription| ScopeBox { ticked: form.scopes.contains(&scope.name), scope };
        let scopes = scopes.into_iter().map(ticked).collect();
        // The box says it already, and unticking it shall take the page away.
        let typed = form.redirect_uris.iter().filter(|uri| !(form.native && **uri == code_page));
        let redirect_uris = typed.map(String::as_str).collect::<Vec<_>>().join("\n");
        Self { name: form.name, redirect_uris, scopes, native: form.native, code_page, mistake }
    }

    /// Whether the form must be mended.
    pub fn refused(&self) -> bool {
        self.mistake.is_some()
    }

    /// What is wrong with the name; empty for nothing.
    pub fn name_problem(&self) -> &str {
        self.problem(Field::Name)
    }

    /// What is wrong with the redirect URIs; empty for nothing.
    pub fn redirect_uris_problem(&self) -> &str {
        self.problem(Field::RedirectUris)
    }

    /// What is wrong with the scopes; empty for nothing.
    pub fn scopes_problem(&self) -> &str {
        self.problem(Field::Scopes)
    }

    /// What is wrong with no field of its own; empty for nothing.
    pub fn whole_problem(&self) -> &str {
        self.problem(Field::Whole)
    }

    fn problem(&self, field: Field) -> &str {
        let mistake = self.mistake.as_ref().filter(|mistake| mistake.field == field);
        mistake.map(|mistake| mistake.message.as_str()).unwrap_or_default()
    }
}

/// The form as it was sent; the service judges it.
///
/// # Errors
/// `invalid_request` when a single field is repeated.
pub(super) fn sent(fields: &Fields) -> Result<ApplicationForm, Refused> {
    let lines = fields.text("redirect_uris")?;
    Ok(ApplicationForm {
        name: fields.text("name")?.trim().to_owned(),
        redirect_uris: lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        scopes: fields.ticked("scope"),
        native: !fields.one("native")?.is_empty(),
    })
}
