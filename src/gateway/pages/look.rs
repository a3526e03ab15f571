//! How every page looks, and the headers that leave it nothing to run, to load or to tell others.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use url::Url;

use crate::gateway::error::{Refused, keep_out_of_caches};
use crate::gateway::pages::color;
use crate::pb::pages::v1::{Branding, PersonalPage};
use crate::types::error::OAuthError;

const STYLE: &str = include_str!("style.css");

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What every page wears: a product's name, picture and colour, and who is signed in.
pub(super) struct Look {
    /// The product; empty for none.
    pub name: String,
    /// An https URL; empty for none.
    pub logo: String,
    /// The whole style, with the colour.
    pub style: String,
    /// The links of a signed-in person.
    pub navigation: Option<Navigation>,
    logo_origin: String,
}

/// The links of a signed-in person.
pub(super) struct Navigation {
    /// What stands before every path.
    pub base: String,
    /// Who.
    pub username: String,
    /// Where the page belongs.
    pub section: Section,
}

/// What a page of a signed-in person is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Their applications.
    Applications,
    /// What they allowed.
    Access,
}

impl Look {
    /// That of a branding.  What is no colour or no https URL is left out.
    pub fn of(branding: Option<Branding>) -> Self {
        let Branding { name, logo_uri, color } = branding.unwrap_or_default();
        let logo = Url::parse(&logo_uri).ok().filter(|url| url.scheme() == "https");
        let (logo, logo_origin) = match logo {
            Some(url) => (url.as_str().to_owned(), url.origin().ascii_serialization()),
            None => (String::new(), String::new()),
        };
        Self { name, logo, style: format!("{STYLE}{}", color::rule(&color)), navigation: None, logo_origin }
    }

    /// That of no product.
    pub fn plain() -> Self {
        Self::of(None)
    }

    /// That of a signed-in person's pages, and the token for their forms.
    pub fn personal(page: Option<PersonalPage>, base: &str, section: Section) -> (Self, String) {
        let PersonalPage { branding, person, csrf_token } = page.unwrap_or_default();
        let username = person.unwrap_or_default().username;
        let navigation = Some(Navigation { base: base.to_owned(), username, section });
        (Self { navigation, ..Self::of(branding) }, csrf_token)
    }

    /// The page as an answer.  Its forms lead to this server, and from there to `form_target`, which
    /// browsers check too (CSP level 3, `form-action`).
    ///
    /// # Errors
    /// Never: every value of a template is a text.
    pub fn answer(&self, status: StatusCode, template: &impl Template, form_target: &str) -> Result<Response, Refused> {
        let html = template.render().map_err(OAuthError::server_error)?;
        let policy = HeaderValue::try_from(self.policy(form_target)).map_err(OAuthError::server_error)?;
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        keep_out_of_caches(headers);
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        Ok(response)
    }

    fn policy(&self, form_target: &str) -> String {
        let style = STANDARD.encode(Sha256::digest(&self.style));
        let image = if self.logo_origin.is_empty() { "'none'" } else { &self.logo_origin };
        let target = if source(form_target) { form_target } else { "" };
        let space = if target.is_empty() { "" } else { " " };
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src {image}; form-action 'self'{space}{target}; \
             base-uri 'none'; frame-ancestors 'none'"
        )
    }
}

/// Whether a text is one source of a policy and cannot be more.
fn source(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'\'' | b'"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branded(logo_uri: &str) -> Look {
        Look::of(Some(Branding { name: "Acme".into(), logo_uri: logo_uri.into(), color: String::new() }))
    }

    #[test]
    fn only_the_logos_origin_may_be_loaded() {
        let look = branded("https://cdn.example:8443/logo.png?x=1");
        assert!(look.policy("").contains("; img-src https://cdn.example:8443; form-action 'self'; "));
        for no_picture in ["", "http://cdn.example/a.png", "javascript:alert(1)", "data:image/png;base64,AA", "nonsense"] {
            let look = branded(no_picture);
            assert!(look.logo.is_empty() && look.policy("").contains("img-src 'none';"), "{no_picture}");
        }
    }

    /// J1: a source cannot add a directive, a keyword or a second header.
    #[test]
    fn a_form_target_is_one_source_or_none() {
        let look = Look::plain();
        assert!(look.policy("https://app.example").contains("form-action 'self' https://app.example; "));
        assert!(look.policy("com.example.app:").contains("form-action 'self' com.example.app:; "));
        for hostile in ["https://a; script-src *", "'unsafe-inline'", "https://a https://b", "a,b", "a\r\nx: y", "é"] {
            assert!(look.policy(hostile).contains("form-action 'self'; "), "{hostile}");
        }
    }
}
