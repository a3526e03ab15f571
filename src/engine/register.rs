//! Client metadata (RFC 7591 section 2): one verdict for registrations and updates alike, on the
//! whole of what the client would be (threat I2).

use url::Url;

use crate::engine::branding::check_branding;
use crate::engine::policy::configure::{check_policies, gives_refresh_tokens};
use crate::store::client::{Client, PolicyGrant};
use crate::types::client::{ApplicationType, AuthMethod, GrantType};
use crate::types::error::{ErrorCode, OAuthError};
use crate::types::lifetime::{Lifetimes, MAX_ACCESS_TOKEN_LIFETIME};
use crate::types::policy::Preset;
use crate::types::redirect_uri::RedirectUri;
use crate::types::scope::Scope;

const MAX_NAME_CHARACTERS: usize = 100;
const MAX_REDIRECT_URIS: usize = 16;
const MAX_URI_BYTES: usize = 512;
/// Ten years: what is longer is a mistake in units.
const MAX_REFRESH_LIFETIME: i64 = 10 * 365 * 86_400;

/// What a registrant says of a client.
#[derive(Clone, Debug)]
pub struct ClientMetadata {
    /// Shown to people.
    pub name: String,
    /// A page about it; may be empty.
    pub uri: String,
    /// Not checked yet.
    pub redirect_uris: Vec<String>,
    /// Empty for what follows from the redirect URIs.
    pub grant_types: Vec<GrantType>,
    /// How it will authenticate.
    pub auth_method: AuthMethod,
    /// Where it runs.
    pub application_type: ApplicationType,
    /// Separated by spaces.
    pub scope: String,
    /// Separated by spaces; empty for all of `scope`.
    pub default_scope: String,
    /// May be empty.
    pub default_audience: String,
    /// Its own lifetimes.
    pub lifetimes: Lifetimes,
    /// A picture for pages about it; may be empty.
    pub logo_uri: String,
    /// A colour for pages about it; may be empty.
    pub brand_color: String,
}

impl ClientMetadata {
    /// Fills in what a preset implies and the registrant left out.
    pub(super) fn complete(&mut self, preset: Preset) {
        if self.grant_types.is_empty() {
            let grant_types = preset.grant_types();
            self.grant_types = grant_types.to_vec();
            // A client without a redirect URI that does anything else does that.
            if self.redirect_uris.is_empty() && grant_types.contains(&GrantType::ClientCredentials) {
                self.grant_types.retain(|&grant_type| grant_type != GrantType::AuthorizationCode);
            }
        }
        if self.default_scope.is_empty() && preset == Preset::Standard {
            self.default_scope = self.scope.split(' ').next().unwrap_or_default().to_owned();
        }
        self.lifetimes = self.lifetimes.or(preset.lifetimes());
    }

    /// The client that `base` becomes with this metadata, if it is allowed.  What the metadata does
    /// not cover (id, secrets, permissions) stays.
    ///
    /// # Errors
    /// `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 section 3.2.2).
    pub fn apply_to(self, base: Client) -> Result<Client, OAuthError> {
        let name = check_name(self.name)?;
        let redirect_uris = check_redirect_uris(&self.redirect_uris, self.application_type)?;
        let grant_types = check_grant_types(self.grant_types, &redirect_uris, self.auth_method, &base.policies)?;
        let scope = parse_scope("scope", &self.scope)?;
        let default_scope = parse_scope("default_scope", &self.default_scope)?;
        if !default_scope.within(&scope) {
            return Err(invalid("default_scope names something that scope does not"));
        }
        check_lifetimes(self.lifetimes)?;
        let client = Client {
            name,
            uri: check_uri("client_uri", self.uri)?,
            redirect_uris,
            grant_types,
            auth_method: self.auth_method,
            application_type: self.application_type,
            default_scope: if default_scope.is_empty() { scope.clone() } else { default_scope },
            scope,
            default_audience: check_audience(self.default_audience)?,
            lifetimes: self.lifetimes,
            branding: check_branding(&self.logo_uri, &self.brand_color)
                .map_err(|(field, why)| invalid(format!("{field} {why}")))?,
            ..base
        };
        check_policies(&client).map_err(invalid)?;
        Ok(client)
    }
}

fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}

fn check_name(name: String) -> Result<String, OAuthError> {
    let good = !name.trim().is_empty() && name.chars().count() <= MAX_NAME_CHARACTERS && !name.chars().any(char::is_control);
    if good { Ok(name) } else { Err(invalid("client_name must be 1 to 100 characters without control characters")) }
}

fn check_redirect_uris(texts: &[String], application: ApplicationType) -> Result<Vec<RedirectUri>, OAuthError> {
    if texts.len() > MAX_REDIRECT_URIS {
        return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, "a client may register at most 16 redirect URIs"));
    }
    let mut uris: Vec<RedirectUri> = Vec::with_capacity(texts.len());
    for text in texts {
        let uri = RedirectUri::register(text, application)
            .map_err(|error| OAuthError::new(ErrorCode::InvalidRedirectUri, error.to_string()))?;
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(uris)
}

fn check_grant_types(
    mut grant_types: Vec<GrantType>,
    redirect_uris: &[RedirectUri],
    auth_method: AuthMethod,
    policies: &[PolicyGrant],
) -> Result<Vec<GrantType>, OAuthError> {
    if grant_types.is_empty() {
        grant_types = match redirect_uris {
            [] => vec![GrantType::ClientCredentials],
            _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        };
    }
    grant_types.sort_unstable();
    grant_types.dedup();
    let has = |grant_type| grant_types.contains(&grant_type);
    if has(GrantType::AuthorizationCode) && redirect_uris.is_empty() {
        return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, "grant type authorization_code needs a redirect URI"));
    }
    if has(GrantType::RefreshToken) && !gives_refresh_tokens(&grant_types, policies) {
        return Err(invalid("grant type refresh_token needs authorization_code: nothing else gives a refresh token"));
    }
    if has(GrantType::ClientCredentials) && auth_method == AuthMethod::None {
        return Err(invalid("grant type client_credentials needs a client with a secret, not a public one"));
    }
    Ok(grant_types)
}

fn parse_scope(field: &'static str, text: &str) -> Result<Scope, OAuthError> {
    let scope = Scope::parse(text).map_err(|error| invalid(format!("{field}: {error}")))?;
    if scope.contains("*") {
        return Err(invalid(format!("{field} must name its scopes one by one, not *")));
    }
    Ok(scope)
}

fn check_uri(field: &'static str, text: String) -> Result<Option<String>, OAuthError> {
    if text.is_empty() {
        return Ok(None);
    }
    let web = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some());
    if web && text.len() <= MAX_URI_BYTES && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Some(text));
    }
    Err(invalid(format!("{field} must be an http or https URI of at most 512 characters")))
}

/// RFC 7519 section 2, StringOrURI.
pub(super) fn check_audience(text: String) -> Result<Option<String>, OAuthError> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() <= MAX_URI_BYTES && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Some(text));
    }
    Err(invalid("default_audience must be at most 512 printable ASCII characters without spaces"))
}

/// The bounds of lifetimes, for clients and workspaces alike.
pub(super) fn check_lifetimes(lifetimes: Lifetimes) -> Result<(), OAuthError> {
    let within = |lifetime: Option<i64>, most: i64| lifetime.is_none_or(|seconds| (1..=most).contains(&seconds));
    if !within(lifetimes.access_token, MAX_ACCESS_TOKEN_LIFETIME) {
        return Err(invalid("access_token_seconds must be 1 to 86400, or 0 for the default"));
    }
    if !within(lifetimes.refresh_idle, MAX_REFRESH_LIFETIME) || !within(lifetimes.refresh_absolute, MAX_REFRESH_LIFETIME) {
        return Err(invalid("refresh lifetimes must be 1 second to 10 years, or 0 for the default"));
    }
    Ok(())
}
