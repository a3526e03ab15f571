//! The flags that describe a client, and the words for its closed sets.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::pb::v1::{ApplicationType, ClientMetadata, ClientPermission, GrantType, Lifetimes, TokenEndpointAuthMethod};

const GRANT_TYPES: &[(&str, GrantType)] = &[
    ("authorization_code", GrantType::AuthorizationCode),
    ("refresh_token", GrantType::RefreshToken),
    ("client_credentials", GrantType::ClientCredentials),
];

const AUTH_METHODS: &[(&str, TokenEndpointAuthMethod)] = &[
    ("client_secret_basic", TokenEndpointAuthMethod::ClientSecretBasic),
    ("client_secret_post", TokenEndpointAuthMethod::ClientSecretPost),
    ("none", TokenEndpointAuthMethod::None),
];

const PERMISSIONS: &[(&str, ClientPermission)] = &[
    ("issue_code", ClientPermission::IssueCode),
    ("register_clients", ClientPermission::RegisterClients),
    ("introspect_any", ClientPermission::IntrospectAny),
];

/// What a registrant may say of a client.
#[derive(Debug, Args)]
pub struct MetadataFlags {
    /// A grant type it may use; give it often, or several after one another.
    #[arg(long = "grant-type", value_name = "GRANT", num_args = 1.., value_parser = words(GRANT_TYPES))]
    grant_types: Vec<GrantType>,

    /// Where its authorization codes go; give it often, or several after one another.
    #[arg(long = "redirect-uri", value_name = "URI", num_args = 1..)]
    redirect_uris: Vec<String>,

    /// Every scope it may ask for, separated by spaces.
    #[arg(long)]
    scope: Option<String>,

    /// What it gets when it asks for none; all of --scope when this is left out.
    #[arg(long, value_name = "SCOPE")]
    default_scope: Option<String>,

    /// The aud of its access tokens.
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,

    /// A page about the client.
    #[arg(long, value_name = "URI")]
    client_uri: Option<String>,

    /// A client that cannot keep a secret: it gets none, and always needs PKCE.
    #[arg(long, conflicts_with = "auth_method")]
    public: bool,

    /// How it authenticates; client_secret_basic when this is left out.
    #[arg(long, value_name = "METHOD", value_parser = words(AUTH_METHODS))]
    auth_method: Option<TokenEndpointAuthMethod>,

    /// A client on a person's device: loopback redirect URIs match on any port (RFC 8252).
    #[arg(long)]
    native: bool,

    /// A client on a server: what --native is taken back with.
    #[arg(long, conflicts_with = "native")]
    web: bool,

    /// An https URL of its picture.
    #[arg(long, value_name = "URI")]
    logo_uri: Option<String>,

    /// The colour of pages about it, like #1c6e8c.
    #[arg(long, value_name = "COLOR")]
    brand_color: Option<String>,

    #[command(flatten)]
    lifetimes: LifetimeFlags,
}

/// How long things live.
#[derive(Debug, Args)]
pub struct LifetimeFlags {
    /// How long access tokens live, 1 to 86400.
    #[arg(long, value_name = "SECONDS")]
    access_token_lifetime: Option<i64>,

    /// A refresh token that is not used for so long ends.
    #[arg(long, value_name = "SECONDS")]
    refresh_idle_lifetime: Option<i64>,

    /// A grant ends so long after its first token.
    #[arg(long, value_name = "SECONDS")]
    refresh_absolute_lifetime: Option<i64>,
}

impl LifetimeFlags {
    /// Changes what is given; everything else stays.
    pub fn apply(self, lifetimes: &mut Option<Lifetimes>) {
        let mut changed = lifetimes.unwrap_or_default();
        if let Some(seconds) = self.access_token_lifetime {
            changed.access_token_seconds = seconds;
        }
        if let Some(seconds) = self.refresh_idle_lifetime {
            changed.refresh_idle_seconds = seconds;
        }
        if let Some(seconds) = self.refresh_absolute_lifetime {
            changed.refresh_absolute_seconds = seconds;
        }
        *lifetimes = Some(changed);
    }
}

impl MetadataFlags {
    /// Changes what is given; everything else stays.
    pub fn apply(self, metadata: &mut ClientMetadata) {
        if !self.grant_types.is_empty() {
            metadata.grant_types = self.grant_types.into_iter().map(i32::from).collect();
        }
        if !self.redirect_uris.is_empty() {
            metadata.redirect_uris = self.redirect_uris;
        }
        if let Some(scope) = self.scope {
            metadata.scope = scope;
        }
        if let Some(default_scope) = self.default_scope {
            metadata.default_scope = default_scope;
        }
        if let Some(audience) = self.audience {
            metadata.default_audience = audience;
        }
        if let Some(client_uri) = self.client_uri {
            metadata.client_uri = client_uri;
        }
        let public = self.public.then_some(TokenEndpointAuthMethod::None);
        if let Some(method) = self.auth_method.or(public) {
            metadata.set_token_endpoint_auth_method(method);
        }
        if self.native {
            metadata.set_application_type(ApplicationType::Native);
        }
        if self.web {
            metadata.set_application_type(ApplicationType::Web);
        }
        if let Some(logo_uri) = self.logo_uri {
            metadata.logo_uri = logo_uri;
        }
        if let Some(brand_color) = self.brand_color {
            metadata.brand_color = brand_color;
        }
        self.lifetimes.apply(&mut metadata.lifetimes);
    }
}

/// Reads a permission by its name.
pub fn permission_parser() -> impl TypedValueParser<Value = ClientPermission> {
    words(PERMISSIONS)
}

/// The registered name of a grant type.
pub fn grant_type_name(grant_type: GrantType) -> &'static str {
    name(GRANT_TYPES, grant_type)
}

/// The registered name of an authentication method.
pub fn auth_method_name(method: TokenEndpointAuthMethod) -> &'static str {
    name(AUTH_METHODS, method)
}

/// The name of a permission.
pub fn permission_name(permission: ClientPermission) -> &'static str {
    name(PERMISSIONS, permission)
}

fn name<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    // A newer server may know words that this command does not.
    words.iter().find(|(_, known)| *known == value).map_or("unknown", |(name, _)| name)
}

/// Reads one of a closed set of words.
pub fn words<T: Copy + Send + Sync + 'static>(words: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.iter().map(|(name, _)| *name)).try_map(move |text| {
        let found = words.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or("not one of the possible values")
    })
}
