//! The page that shows a client's credentials, its secret this once.

use askama::Template;
use http::StatusCode;

use crate::gateway::pages::look::{Look, Section};
use crate::gateway::pages::visit::{Outcome, Visit};
use crate::gateway::pages::words;
use crate::pb::pages::v1::{Application, PersonalPage};

/// What the person has just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    Registered,
    Rotated,
}

#[derive(Template)]
#[template(path = "application_secret.html")]
struct SecretPage<'a> {
    look: &'a Look,
    base: &'a str,
    heading: &'static str,
    name: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    /// When the secret before this one ends; empty when there is none.
    present_ends: &'a str,
    consent_url: &'a str,
    command: &'a str,
}

/// The page after a registration.
///
/// # Errors
/// Never: every value is a text.
pub(super) fn registered(visit: &Visit, page: Option<PersonalPage>, application: Application, secret: &str) -> Outcome {
    credentials(visit, page, application, secret, Occasion::Registered)
}

/// The page after a rotation.
///
/// # Errors
/// Never: every value is a text.
pub(super) fn rotated(visit: &Visit, page: Option<PersonalPage>, application: Application, secret: &str) -> Outcome {
    credentials(visit, page, application, secret, Occasion::Rotated)
}

fn credentials(visit: &Visit, page: Option<PersonalPage>, application: Application, secret: &str, occasion: Occasion) -> Outcome {
    let (look, _) = Look::personal(page, &visit.base, Section::Applications);
    let (status, heading) = match occasion {
        Occasion::Registered => (StatusCode::CREATED, "Your application is registered"),
        Occasion::Rotated => (StatusCode::OK, "Here is the new secret"),
    };
    let ends = application.secrets.iter().map(|secret| secret.expires_at).filter(|&ends| ends > 0).min();
    let form = application.form.clone().unwrap_or_default();
    let page = SecretPage {
        look: &look,
        base: &visit.base,
        heading,
        name: &form.name,
        client_id: &application.client_id,
        client_secret: secret,
        present_ends: &ends.map(words::minute).unwrap_or_default(),
        consent_url: &application.consent_url,
        command: &command(&visit.issuer(), &application, !secret.is_empty()),
    };
    Ok(look.answer(status, &page, "")?)
}

/// How a shell exchanges a code.  The secret is not in it, for shells keep histories.
fn command(issuer: &str, application: &Application, confidential: bool) -> String {
    let form = application.form.as_ref();
    let uris = form.map(|form| form.redirect_uris.as_slice()).unwrap_or_default();
    let code_page = format!("{issuer}/authorized");
    let native = form.is_some_and(|form| form.native);
    let redirect_uri = if native { code_page.as_str() } else { uris.first().map(String::as_str).unwrap_or_default() };
    let id = quoted(&application.client_id);
    let mut lines = vec![format!("curl {}", quoted(&format!("{issuer}/oauth2/token")))];
    lines.push(match confidential {
        true => format!("--user {id}:\"$CLIENT_SECRET\""),
        false => format!("--data-urlencode client_id={id}"),
    });
    lines.push("--data grant_type=authorization_code".to_owned());
    lines.push("--data-urlencode code=\"$CODE\"".to_owned());
    lines.push(format!("--data-urlencode redirect_uri={}", quoted(redirect_uri)));
    // Without a ready consent URL the client must use PKCE.
    if application.consent_url.is_empty() {
        lines.push("--data-urlencode code_verifier=\"$CODE_VERIFIER\"".to_owned());
    }
    lines.join(" \\\n  ")
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/');
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::pages::v1::ApplicationForm;

    /// A redirect URI may hold quotes, and a person pastes this into a shell.
    #[test]
    fn the_command_quotes_what_was_registered() {
        let form = ApplicationForm { redirect_uris: vec!["https://a/cb?x='$(id)'".into()], ..Default::default() };
        let application = Application { client_id: "c1".into(), form: Some(form), ..Default::default() };
        assert_eq!(
            command("https://id.example", &application, true),
            "curl https://id.example/oauth2/token \\\n  --user c1:\"$CLIENT_SECRET\" \\\n  \
             --data grant_type=authorization_code \\\n  --data-urlencode code=\"$CODE\" \\\n  \
             --data-urlencode redirect_uri='https://a/cb?x='\\''$(id)'\\''' \\\n  \
             --data-urlencode code_verifier=\"$CODE_VERIFIER\""
        );
    }

    #[test]
    fn a_native_applications_command_names_the_code_page() {
        let form = ApplicationForm { native: true, ..Default::default() };
        let application =
            Application { client_id: "c1".into(), form: Some(form), consent_url: "https://x".into(), ..Default::default() };
        let command = command("https://id.example/acme", &application, false);
        assert!(command.contains("--data-urlencode client_id=c1"));
        assert!(command.ends_with("--data-urlencode redirect_uri=https://id.example/acme/authorized"));
    }
}
