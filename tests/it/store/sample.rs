//! Records to put into a store.

use jeton::store::Store;
use jeton::store::client::{Client, ClientSecret, PolicyGrant};
use jeton::store::consent::Consent;
use jeton::store::grant::{Active, Authorization, AuthorizationRequest, CodeIssued, Grant, RefreshState, Requested, State};
use jeton::store::key::SigningKey;
use jeton::store::session::Session;
use jeton::store::user::{PasswordHash, User};
use jeton::store::workspace::Workspace;
use jeton::types::authorization::{Prompt, ResponseType, SignInMethod};
use jeton::types::branding::Branding;
use jeton::types::client::{ApplicationType, AuthMethod, GrantType, Permission};
use jeton::types::entropy::{Entropy, SeededEntropy};
use jeton::types::ids::{ClientId, GrantId, Subject, WorkspaceId, WorkspaceName};
use jeton::types::lifetime::Lifetimes;
use jeton::types::policy::{Policy, Preset};
use jeton::types::redirect_uri::RedirectUri;
use jeton::types::scope::Scope;
use jeton::types::secret::{Secret, SecretDigest};
use jeton::types::time::{UnixMillis, UnixSeconds};

/// The present of these tests.
pub const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
/// The workspace that most of them use.
pub const WORKSPACE: WorkspaceId = WorkspaceId([7; 16]);

pub fn workspace(id: WorkspaceId, name: &str) -> Workspace {
    Workspace {
        id,
        name: WorkspaceName::parse(name).unwrap(),
        display_name: "Example".to_owned(),
        sign_in: SignInMethod::Application,
        login_uri: Some("https://login.example.com/".to_owned()),
        branding: Branding { logo_uri: None, color: Some("#336699".to_owned()) },
        self_registration: true,
        policy_ceiling: Some(vec![Policy::PkceOptional]),
        application_preset: Some(Preset::Standard),
        default_audience: None,
        lifetimes: Lifetimes { access_token: Some(300), ..Lifetimes::default() },
        suspended: false,
        created_at: NOW,
        revision: 1,
    }
}

pub fn client_id(number: u64) -> ClientId {
    ClientId::generate(&SeededEntropy::new(number)).unwrap()
}

pub fn client(number: u64) -> Client {
    Client {
        id: client_id(number),
        name: format!("client {number}"),
        uri: Some("https://example.com/".to_owned()),
        redirect_uris: vec![redirect_uri()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        auth_method: AuthMethod::ClientSecretBasic,
        application_type: ApplicationType::Web,
        scope: scope(),
        default_scope: Scope::empty(),
        default_audience: None,
        lifetimes: Lifetimes::default(),
        secrets: vec![ClientSecret { id: "s1".to_owned(), data_key: 1, digest: digest(1), created_at: NOW, expires_at: None }],
        disabled: false,
        permissions: vec![Permission::IssueCode],
        policies: vec![PolicyGrant {
            policy: Policy::PkceOptional,
            reason: "an old client".to_owned(),
            since: NOW,
            expires_at: None,
            with_wildcard_scope: false,
        }],
        branding: Branding::default(),
        owner: Some(Subject::parse("alice").unwrap()),
        created_at: NOW,
        not_before: UnixMillis(0),
        revision: 1,
    }
}

pub fn user(subject: &str) -> User {
    User {
        subject: Subject::parse(subject).unwrap(),
        username: subject.to_owned(),
        disabled: false,
        created_at: NOW,
        not_before: UnixMillis(0),
        in_directory: true,
        password: Some(PasswordHash { data_key: 1, phc: Secret::new("$argon2id$".to_owned()) }),
        administrator: true,
        revision: 1,
    }
}

pub fn session(expires_at: UnixSeconds) -> Session {
    Session { subject: Subject::parse("alice").unwrap(), signed_in_at: UnixMillis(NOW.0 * 1000), token: digest(3), expires_at }
}

pub fn consent(subject: &str, client: u64) -> Consent {
    Consent {
        subject: Subject::parse(subject).unwrap(),
        client: client_id(client),
        scope: scope(),
        granted_at: NOW,
        not_before: UnixMillis(0),
        revision: 1,
    }
}

pub fn grant_id(number: u64) -> GrantId {
    let entropy = SeededEntropy::new(number);
    let entropy: &dyn Entropy = &entropy;
    GrantId::generate(UnixMillis(NOW.0 * 1000), entropy).unwrap()
}

pub fn digest(byte: u8) -> SecretDigest {
    SecretDigest([byte; 32])
}

pub fn scope() -> Scope {
    Scope::parse("read write").unwrap()
}

pub fn redirect_uri() -> RedirectUri {
    RedirectUri::from_stored("https://app.example.com/callback".to_owned())
}

pub fn authorization() -> Authorization {
    Authorization { subject: Subject::parse("alice").unwrap(), scope: scope(), auth_time: Some(NOW) }
}

pub fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        redirect_uri: redirect_uri(),
        redirect_uri_sent: true,
        scope: scope(),
        state: Some("xyz".to_owned()),
        code_challenge: None,
        browser: None,
        response_type: ResponseType::Code,
        prompt: vec![Prompt::Login],
        max_age: Some(60),
    }
}

pub fn requested() -> Grant {
    grant(State::Requested(Requested { request: request(), handle: digest(9), expires_at: NOW.plus(600) }))
}

/// A grant whose code has the digest of 1.
pub fn code_issued() -> Grant {
    grant(State::CodeIssued(CodeIssued {
        request: request(),
        authorization: authorization(),
        code: digest(1),
        released_by: None,
        expires_at: NOW.plus(60),
    }))
}

/// A grant whose refresh token of generation 0 has the digest of 100.
pub fn rotating() -> Grant {
    grant(State::Active(Active {
        authorization: authorization(),
        code: digest(1),
        attempt: [0; 16],
        expires_at: NOW.plus(86_400),
        refresh: Some(first_refresh()),
    }))
}

/// A grant without refresh token.
pub fn active() -> Grant {
    grant(State::Active(Active {
        authorization: authorization(),
        code: digest(1),
        attempt: [0; 16],
        expires_at: NOW.plus(900),
        refresh: None,
    }))
}

pub fn first_refresh() -> RefreshState {
    RefreshState { generation: 0, head: digest(100), idle_expires_at: NOW.plus(3600), idle_lifetime: 3600, previous: None }
}

fn grant(state: State) -> Grant {
    Grant { client: client_id(1), created_at: UnixMillis(NOW.0 * 1000), state }
}

pub fn signing_key(kid: &str) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        data_key: 1,
        sealed_seed: vec![4; 60],
        public_key: [5; 32],
        announced_at: NOW,
        active_from: NOW.plus(1800),
        serial: 2,
    }
}

/// Keeps a workspace with a first key.
pub async fn keep_workspace(store: &dyn Store, workspace: &Workspace) -> bool {
    let first = SigningKey { serial: 1, ..signing_key("first") };
    store.insert_workspace(workspace, &first).await.unwrap()
}
