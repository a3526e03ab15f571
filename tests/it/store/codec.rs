//! Records to bytes and back: nothing is lost, and nothing that was not written is read.

use jeton::store::StoreError;
use jeton::store::client::{Client, ClientSecret, PolicyGrant};
use jeton::store::codec::{MAX_BYTES, NameOwner, OwnedClient, Record, RevokedToken, Sequence, decode, encode};
use jeton::store::consent::Consent;
use jeton::store::grant::{
    Active, Authorization, AuthorizationRequest, CodeIssued, Decided, Grant, Previous, RefreshState, Requested, Revoked, State,
};
use jeton::store::key::{SealedDataKeys, SigningKey};
use jeton::store::policy_use::PolicyUse;
use jeton::store::scope::ScopeEntry;
use jeton::store::session::Session;
use jeton::store::user::{PasswordHash, User};
use jeton::store::workspace::Workspace;
use jeton::types::authorization::{Prompt, ResponseType, SignInMethod};
use jeton::types::branding::Branding;
use jeton::types::client::{ApplicationType, AuthMethod, GrantType, Permission};
use jeton::types::error::ErrorCode;
use jeton::types::ids::{ClientId, Subject, WorkspaceId, WorkspaceName};
use jeton::types::lifetime::Lifetimes;
use jeton::types::pkce::CodeChallenge;
use jeton::types::policy::{Policy, Preset};
use jeton::types::redirect_uri::RedirectUri;
use jeton::types::scope::Scope;
use jeton::types::secret::{Secret, SecretDigest};
use jeton::types::time::{UnixMillis, UnixSeconds};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::store::sample;

const KEY: &[u8] = b"key";

/// Debug does not show digests, so the bytes are compared as well.
fn round_trips<R: Record + std::fmt::Debug>(record: &R) {
    let bytes = encode(KEY, record).unwrap();
    let read: R = decode(KEY, &bytes).unwrap();
    assert_eq!(format!("{read:?}"), format!("{record:?}"));
    assert_eq!(encode(KEY, &read).unwrap(), bytes);
}

proptest! {
    #[test]
    fn every_grant_round_trips(grant in grant()) {
        round_trips(&grant);
    }

    #[test]
    fn every_client_round_trips(client in client()) {
        round_trips(&client);
    }

    #[test]
    fn every_workspace_round_trips(workspace in workspace()) {
        round_trips(&workspace);
    }

    #[test]
    fn every_user_round_trips(user in user()) {
        round_trips(&user);
    }

    #[test]
    fn every_key_round_trips(sealed in vec(any::<u8>(), 0..200), public_key: [u8; 32], data_key: u8, at in instant()) {
        let kid = "kid".to_owned();
        round_trips(&SigningKey { kid, data_key, sealed_seed: sealed.clone(), public_key, announced_at: at, active_from: at, serial: 7 });
        round_trips(&SealedDataKeys { id: data_key, created_at: at, sealed });
    }

    #[test]
    fn every_small_record_round_trips(id: [u8; 16], number: u64, until in instant()) {
        round_trips(&NameOwner(WorkspaceId(id)));
        round_trips(&Sequence(number));
        round_trips(&RevokedToken { until });
        round_trips(&PolicyUse { policy: Policy::PkceOptional, count: number, last_used_at: until });
    }

    #[test]
    fn what_people_left_round_trips(subject in subject(), client in client_id(), scope in scope(), at in instant(),
        at_ms in instant_ms(), token in digest(), text in ".{0,40}", flag: bool, revision: u64) {
        round_trips(&Session { subject: subject.clone(), signed_in_at: at_ms, token, expires_at: at });
        round_trips(&OwnedClient(client.clone()));
        round_trips(&Consent { subject, client, scope, granted_at: at, not_before: at_ms, revision });
        round_trips(&ScopeEntry { name: text.clone(), description: text, restricted: flag });
    }

    /// B1: what a disk changed is never read as a record.
    #[test]
    fn a_record_with_a_changed_byte_is_refused(grant in grant(), at: Index, flip in 1..=255_u8) {
        let mut bytes = encode(KEY, &grant).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let read = decode::<Grant>(KEY, &bytes);
        let refused = matches!(read, Err(StoreError::Damaged { tree: "grants", .. } | StoreError::Refused(_)));
        prop_assert!(refused);
    }

    #[test]
    fn a_record_that_was_cut_is_refused(grant in grant(), at: Index) {
        let bytes = encode(KEY, &grant).unwrap();
        let read = decode::<Grant>(KEY, &bytes[..at.index(bytes.len())]);
        let damaged = matches!(read, Err(StoreError::Damaged { .. }));
        prop_assert!(damaged);
    }

    #[test]
    fn garbage_is_refused(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(decode::<Grant>(KEY, &bytes).is_err());
    }
}

#[test]
fn a_record_that_moved_to_another_key_is_refused() {
    let bytes = encode(KEY, &sample::active()).unwrap();
    assert!(matches!(decode::<Grant>(b"other", &bytes), Err(StoreError::Damaged { tree: "grants", .. })));
}

#[test]
fn a_record_of_another_tree_is_refused() {
    let bytes = encode(KEY, &sample::user("alice")).unwrap();
    assert!(matches!(decode::<Client>(KEY, &bytes), Err(StoreError::Damaged { tree: "clients", .. })));
}

#[test]
fn a_record_of_a_newer_version_is_named_as_such() {
    let mut bytes = encode(KEY, &sample::user("alice")).unwrap();
    bytes[0] = 2;
    let error = decode::<User>(KEY, &bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a record of users (key 2c70e12b) is of version 2, newer than this jeton knows: use the newer jeton"
    );
}

#[test]
fn a_damaged_record_is_named_without_telling_its_key() {
    let mut bytes = encode(KEY, &sample::user("alice")).unwrap();
    bytes[9] ^= 1;
    let error = decode::<User>(KEY, &bytes).unwrap_err();
    assert_eq!(error.to_string(), "a record of users is damaged (key 2c70e12b): restore a backup");
}

#[test]
fn a_record_over_4_kib_is_refused() {
    let mut user = sample::user("alice");
    user.username = "a".repeat(MAX_BYTES);
    let error = encode(KEY, &user).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { limit: 4096, bytes } if bytes > 4096));
}

fn instant() -> impl Strategy<Value = UnixSeconds> {
    any::<i64>().prop_map(UnixSeconds)
}

fn instant_ms() -> impl Strategy<Value = UnixMillis> {
    any::<i64>().prop_map(UnixMillis)
}

fn digest() -> impl Strategy<Value = SecretDigest> {
    any::<[u8; 32]>().prop_map(SecretDigest)
}

fn scope() -> impl Strategy<Value = Scope> {
    "([a-z:.]{1,12}( [a-z:.]{1,12}){0,5})?".prop_map(|text| Scope::parse(&text).unwrap())
}

fn subject() -> impl Strategy<Value = Subject> {
    "[a-zA-Z0-9|@.-]{1,60}".prop_map(|text| Subject::parse(&text).unwrap())
}

fn client_id() -> impl Strategy<Value = ClientId> {
    any::<u64>().prop_map(sample::client_id)
}

fn redirect_uri() -> impl Strategy<Value = RedirectUri> {
    "https://[a-z]{1,20}\\.example/[a-z]{0,20}".prop_map(RedirectUri::from_stored)
}

fn lifetimes() -> impl Strategy<Value = Lifetimes> {
    let lifetime = || of(1..i64::MAX);
    (lifetime(), lifetime(), lifetime()).prop_map(|(access_token, refresh_idle, refresh_absolute)| Lifetimes {
        access_token,
        refresh_idle,
        refresh_absolute,
    })
}

fn authorization() -> impl Strategy<Value = Authorization> {
    (subject(), scope(), of(instant().prop_filter("0 is none", |time| time.0 != 0)))
        .prop_map(|(subject, scope, auth_time)| Authorization { subject, scope, auth_time })
}

fn request() -> impl Strategy<Value = AuthorizationRequest> {
    let asked = (select(ResponseType::ALL), vec(select(Prompt::ALL), 0..3), of(any::<i64>()));
    let sent =
        (redirect_uri(), any::<bool>(), scope(), of(".{0,40}"), of(any::<[u8; 32]>().prop_map(CodeChallenge)), of(digest()));
    (sent, asked).prop_map(|((redirect_uri, redirect_uri_sent, scope, state, code_challenge, browser), asked)| {
        AuthorizationRequest {
            response_type: asked.0,
            prompt: asked.1,
            max_age: asked.2,
            redirect_uri,
            redirect_uri_sent,
            scope,
            state,
            code_challenge,
            browser,
        }
    })
}

fn refresh() -> impl Strategy<Value = RefreshState> {
    let previous = (digest(), vec(any::<u8>(), 0..120), instant_ms(), any::<u32>())
        .prop_map(|(digest, sealed_successor, retry_until, retries)| Previous { digest, sealed_successor, retry_until, retries });
    (any::<u32>(), digest(), instant(), any::<i64>(), of(previous)).prop_map(
        |(generation, head, idle_expires_at, idle_lifetime, previous)| RefreshState {
            generation,
            head,
            idle_expires_at,
            idle_lifetime,
            previous,
        },
    )
}

fn state() -> impl Strategy<Value = State> {
    let requested = (request(), digest(), instant())
        .prop_map(|(request, handle, expires_at)| State::Requested(Requested { request, handle, expires_at }));
    let decided = (request(), digest(), digest(), instant(), of(authorization())).prop_map(
        |(request, handle, ticket, expires_at, approved)| {
            State::Decided(Decided { request, handle, ticket, expires_at, approved, denial: ErrorCode::ConsentRequired })
        },
    );
    let issued = (request(), authorization(), digest(), of(digest()), instant()).prop_map(
        |(request, authorization, code, released_by, expires_at)| {
            State::CodeIssued(CodeIssued { request, authorization, code, released_by, expires_at })
        },
    );
    let active = (authorization(), digest(), any::<[u8; 16]>(), instant(), of(refresh())).prop_map(
        |(authorization, code, attempt, expires_at, refresh)| {
            State::Active(Active { authorization, code, attempt, expires_at, refresh })
        },
    );
    let revoked = (instant(), instant(), ".{0,80}", of(digest()))
        .prop_map(|(revoked_at, expires_at, reason, code)| State::Revoked(Revoked { revoked_at, expires_at, reason, code }));
    prop_oneof![requested, decided, issued, active, revoked]
}

fn grant() -> impl Strategy<Value = Grant> {
    (client_id(), instant_ms(), state()).prop_map(|(client, created_at, state)| Grant { client, created_at, state })
}

fn secret() -> impl Strategy<Value = ClientSecret> {
    ("[a-z0-9]{1,8}", any::<u8>(), digest(), instant(), of((1..i64::MAX).prop_map(UnixSeconds)))
        .prop_map(|(id, data_key, digest, created_at, expires_at)| ClientSecret { id, data_key, digest, created_at, expires_at })
}

fn client() -> impl Strategy<Value = Client> {
    let words = (
        vec(select(GrantType::ALL), 0..3),
        select(AuthMethod::ALL),
        select(ApplicationType::ALL),
        vec(select(Permission::ALL), 0..3),
    );
    let texts = (".{0,40}", of(".{1,40}"), vec(redirect_uri(), 0..4), of(".{1,40}"));
    let rest = (lifetimes(), vec(secret(), 0..3), any::<bool>(), instant(), instant_ms(), any::<u64>());
    let extra = (vec(policy_grant(), 0..4), branding(), of(subject()));
    (client_id(), words, texts, (scope(), scope()), rest, extra).prop_map(|(id, words, texts, scopes, rest, extra)| Client {
        policies: extra.0,
        branding: extra.1,
        owner: extra.2,
        id,
        name: texts.0,
        uri: texts.1,
        redirect_uris: texts.2,
        grant_types: words.0,
        auth_method: words.1,
        application_type: words.2,
        scope: scopes.0,
        default_scope: scopes.1,
        default_audience: texts.3,
        lifetimes: rest.0,
        secrets: rest.1,
        disabled: rest.2,
        permissions: words.3,
        created_at: rest.3,
        not_before: rest.4,
        revision: rest.5,
    })
}

fn workspace() -> impl Strategy<Value = Workspace> {
    let texts = ("[a-z][a-z0-9]{0,20}", ".{0,40}", of(".{1,40}"), of(".{1,40}"));
    let extra =
        (select(SignInMethod::ALL), branding(), any::<bool>(), of(vec(select(Policy::ALL), 0..4)), of(select(Preset::ALL)));
    (any::<[u8; 16]>(), texts, lifetimes(), any::<bool>(), instant(), any::<u64>(), extra).prop_map(
        |(id, texts, lifetimes, suspended, created_at, revision, extra)| Workspace {
            sign_in: extra.0,
            branding: extra.1,
            self_registration: extra.2,
            policy_ceiling: extra.3,
            application_preset: extra.4,
            id: WorkspaceId(id),
            name: WorkspaceName::parse(&texts.0).unwrap(),
            display_name: texts.1,
            login_uri: texts.2,
            default_audience: texts.3,
            lifetimes,
            suspended,
            created_at,
            revision,
        },
    )
}

fn branding() -> impl Strategy<Value = Branding> {
    (of(".{1,40}"), of("#[0-9a-f]{6}")).prop_map(|(logo_uri, color)| Branding { logo_uri, color })
}

fn policy_grant() -> impl Strategy<Value = PolicyGrant> {
    let end = of(instant().prop_filter("0 is none", |time| time.0 != 0));
    (select(Policy::ALL), ".{0,40}", instant(), end, any::<bool>()).prop_map(
        |(policy, reason, since, expires_at, with_wildcard_scope)| PolicyGrant {
            policy,
            reason,
            since,
            expires_at,
            with_wildcard_scope,
        },
    )
}

fn user() -> impl Strategy<Value = User> {
    let password = of((any::<u8>(), ".{1,40}").prop_map(|(data_key, phc)| PasswordHash { data_key, phc: Secret::new(phc) }));
    let extra = (password, any::<bool>());
    (subject(), ".{0,40}", any::<bool>(), instant(), instant_ms(), any::<bool>(), any::<u64>(), extra).prop_map(
        |(subject, username, disabled, created_at, not_before, in_directory, revision, extra)| User {
            password: extra.0,
            administrator: extra.1,
            subject,
            username,
            disabled,
            created_at,
            not_before,
            in_directory,
            revision,
        },
    )
}
