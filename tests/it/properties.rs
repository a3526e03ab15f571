//! What holds for every input: parsers never fail otherwise than by refusing, and nothing that was
//! changed by one character is taken for what was made here.

use jeton::engine::access_token::Jti;
use jeton::engine::page::{PageRequest, cut_page};
use jeton::grpc::status::{codes, oauth_error, refuse};
use jeton::keys::data_keys::{DataKeyRing, DataKeys};
use jeton::keys::jwk;
use jeton::keys::jws::JwsKey;
use jeton::keys::opaque::{Kind, Opaque};
use jeton::keys::seal::{open, seal};
use jeton::types::client::ApplicationType;
use jeton::types::entropy::{OsEntropy, SeededEntropy};
use jeton::types::error::{ErrorCode, OAuthError};
use jeton::types::ids::{ClientId, GrantId, Subject, WorkspaceId, WorkspaceName};
use jeton::types::pkce::{CodeChallenge, CodeVerifier};
use jeton::types::redirect_uri::RedirectUri;
use jeton::types::scope::Scope;
use jeton::types::secret::Secret;
use jeton::types::time::UnixMillis;
use proptest::prelude::*;

const WORKSPACE: WorkspaceId = WorkspaceId([7; 16]);
const KINDS: [Kind; 4] = [Kind::Code, Kind::Handle, Kind::Refresh, Kind::Ticket];

fn ring() -> DataKeyRing {
    DataKeyRing::new(vec![DataKeys::generate(1, &SeededEntropy::new(1)).unwrap()]).unwrap()
}

/// `text` with the character at `at` replaced by another one of base64url.
fn changed(text: &str, at: usize, by: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    let other = ALPHABET[by % ALPHABET.len()];
    bytes[at] = if bytes[at] == other { b'.' } else { other };
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC*", native: bool) {
        let application = if native { ApplicationType::Native } else { ApplicationType::Web };
        let _ = Scope::parse(&text);
        let _ = RedirectUri::register(&text, application);
        let _ = WorkspaceName::parse(&text);
        let _ = ClientId::parse(&text);
        let _ = Subject::parse(&text);
        let _ = CodeChallenge::parse(&text);
        let _ = CodeVerifier::parse(Secret::new(text.clone()));
        let _ = Jti::parse(&text);
        let _ = PageRequest::parse(0, &text);
        for kind in KINDS {
            prop_assert!(Opaque::parse(kind, WORKSPACE, &Secret::new(text.clone()), &ring()).is_none());
        }
    }

    /// RFC 6749 section 3.3.
    #[test]
    fn a_scope_survives_being_written_and_read(tokens in prop::collection::vec("[!#-\\[\\]-~]{1,12}", 0..12)) {
        let scope = Scope::parse(&tokens.join(" ")).unwrap();
        prop_assert_eq!(&Scope::parse(scope.as_str()).unwrap(), &scope);
        prop_assert!(tokens.iter().all(|token| scope.contains(token)));
        prop_assert!(scope.within(&scope) && Scope::empty().within(&scope));
    }

    #[test]
    fn a_narrower_scope_is_within_a_wider_one(wide in prop::collection::vec("[a-z]{1,3}", 1..8), keep in prop::collection::vec(any::<bool>(), 8)) {
        let narrow: Vec<&str> = wide.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(token, _)| token.as_str()).collect();
        let (narrow, wide) = (Scope::parse(&narrow.join(" ")).unwrap(), Scope::parse(&wide.join(" ")).unwrap());
        prop_assert!(narrow.within(&wide));
        prop_assert_eq!(wide.within(&narrow), wide.tokens().count() == narrow.tokens().count());
    }

    /// RFC 9700 section 2.1: compared as exact strings (threat C1).
    #[test]
    fn a_redirect_uri_admits_nothing_but_itself(at in 0_usize..64, by in 0_usize..64, tail in "[ -~]{1,4}") {
        let registered = "https://client.example/cb?tenant=1";
        let uri = RedirectUri::register(registered, ApplicationType::Web).unwrap();
        prop_assert!(uri.admits(registered, ApplicationType::Web));
        let longer = format!("{registered}{tail}");
        let other = changed(registered, at, by);
        for application in [ApplicationType::Web, ApplicationType::Native] {
            prop_assert!(!uri.admits(&other, application));
            prop_assert!(!uri.admits(&longer, application));
        }
    }

    /// RFC 8252 section 7.3 (threat C3).
    #[test]
    fn a_native_loopback_uri_admits_any_port_and_nothing_else(port: u16, host in "[a-z.@]{1,12}") {
        let uri = RedirectUri::register("http://127.0.0.1/cb", ApplicationType::Native).unwrap();
        let with_port = format!("http://127.0.0.1:{port}/cb");
        let other_hosts = [format!("http://127.0.0.1.{host}/cb"), format!("http://127.0.0.1:{port}@{host}/cb")];
        prop_assert!(uri.admits(&with_port, ApplicationType::Native));
        prop_assert!(!uri.admits(&with_port, ApplicationType::Web));
        for other in &other_hosts {
            prop_assert!(!uri.admits(other, ApplicationType::Native));
        }
    }

    #[test]
    fn a_client_id_with_a_changed_character_is_refused(seed: u64, at in 0_usize..64, by in 0_usize..64) {
        let id = ClientId::generate(&SeededEntropy::new(seed)).unwrap();
        prop_assert_eq!(&ClientId::parse(id.as_str()).unwrap(), &id);
        prop_assert!(ClientId::parse(&changed(id.as_str(), at, by)).is_err());
    }

    /// Threats A4 and A6: every character counts, and so do kind and workspace.
    #[test]
    fn an_opaque_token_is_only_what_it_was_made_as(seed: u64, generation: u32, kind in 0_usize..4, at in 0_usize..96, by in 0_usize..64, cut in 1_usize..96) {
        let ring = ring();
        let kind = KINDS[kind];
        let entropy = SeededEntropy::new(seed);
        let grant = GrantId::generate(UnixMillis(1_000_000), &entropy).unwrap();
        let token = Opaque::generate(kind, grant, generation, &ring, &entropy).unwrap();
        let text = token.encode(WORKSPACE, &ring);
        let text = text.expose_secret();
        let read = |kind, workspace, text: &str| Opaque::parse(kind, workspace, &Secret::new(text.to_owned()), &ring);

        let again = read(kind, WORKSPACE, text).unwrap();
        prop_assert_eq!((again.grant(), again.generation()), (grant, generation));
        prop_assert!(read(kind, WorkspaceId([8; 16]), text).is_none());
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            prop_assert!(read(other, WORKSPACE, text).is_none());
        }
        prop_assert!(read(kind, WORKSPACE, &changed(text, at, by)).is_none());
        prop_assert!(read(kind, WORKSPACE, &text[..text.len() - cut]).is_none());
        let padded = format!("{text}=");
        prop_assert!(read(kind, WORKSPACE, &padded).is_none());
    }

    #[test]
    fn only_the_token_before_opens_its_successor(seed: u64) {
        let ring = ring();
        let entropy = SeededEntropy::new(seed);
        let grant = GrantId::generate(UnixMillis(1), &entropy).unwrap();
        let make = |generation| Opaque::generate(Kind::Refresh, grant, generation, &ring, &entropy).unwrap();
        let (before, successor, stranger) = (make(4), make(5), make(4));
        let sealed = before.seal_successor(&successor, WORKSPACE, &ring, &entropy).unwrap();
        let opened = before.open_successor(&sealed, WORKSPACE, &ring).unwrap();
        let texts = [&opened, &successor].map(|token| token.encode(WORKSPACE, &ring));
        prop_assert_eq!(texts[0].expose_secret(), texts[1].expose_secret());
        prop_assert!(stranger.open_successor(&sealed, WORKSPACE, &ring).is_err());
        prop_assert!(before.open_successor(&sealed, WorkspaceId([8; 16]), &ring).is_err());
    }

    #[test]
    fn what_is_sealed_for_one_place_opens_nowhere_else(plain: Vec<u8>, at in 0_usize..512) {
        let sealed = seal(&[1; 32], b"here", &plain, &OsEntropy).unwrap();
        prop_assert_eq!(&**open(&[1; 32], b"here", &sealed).unwrap(), &plain);
        prop_assert!(open(&[1; 32], b"there", &sealed).is_err());
        prop_assert!(open(&[2; 32], b"here", &sealed).is_err());
        let mut damaged = sealed.clone();
        let at = at % damaged.len();
        damaged[at] ^= 1;
        prop_assert!(open(&[1; 32], b"here", &damaged).is_err());
    }

    #[test]
    fn a_jti_survives_being_written_and_read(millis in 0_i64..(1 << 47), with_grant: bool) {
        let grant = with_grant.then_some(GrantId([9; 16]));
        let jti = Jti::generate(grant, UnixMillis(millis), &OsEntropy).unwrap();
        prop_assert_eq!(Jti::parse(&jti.encode()), Some(jti));
    }

    #[test]
    fn a_page_token_leads_behind_the_last_entry(keys in prop::collection::vec("[a-z@.]{1,20}", 2..6)) {
        let page = PageRequest { size: keys.len() - 1, after: None };
        let mut listed = keys.clone();
        let token = cut_page(&mut listed, &page, Clone::clone);
        prop_assert_eq!(&PageRequest::parse(10, &token).unwrap().after, &listed.last().cloned());
        prop_assert_eq!(&listed, &keys[..keys.len() - 1]);
        prop_assert_eq!(cut_page(&mut listed, &page, Clone::clone), "");
    }

    /// Every refusal survives the way through a gRPC status.
    #[test]
    fn a_refusal_survives_being_a_status(code in 0_usize..ErrorCode::ALL.len(), description in "[ -!#-\\[\\]-~]{1,80}", redirect in prop::option::of("https://[a-z]{1,9}/cb")) {
        let code = ErrorCode::ALL[code];
        let error = OAuthError { redirect_uri: redirect.clone(), ..OAuthError::new(code, description.clone()) };
        let status = refuse(error);
        let read = oauth_error(&status).unwrap();
        prop_assert_eq!(status.code(), codes(code).0);
        prop_assert_eq!(ErrorCode::from_name(&read.error), Some(code));
        prop_assert_eq!(read.error_description, description);
        prop_assert_eq!(read.redirect_uri, redirect.unwrap_or_default());
    }

    /// RFC 7515 section 5.2 (threats F1 to F3): any change, anywhere, and the token is not ours.
    #[test]
    fn a_signed_token_with_a_changed_character_is_refused(at in 0_usize..400, by in 0_usize..64) {
        let key = JwsKey::from_seed(&[5; 32]);
        let token = key.sign(&serde_json::json!({"sub": "alice", "scope": "read write"})).unwrap();
        prop_assert!(key.verify::<serde_json::Value>(&token).is_some());
        prop_assert!(key.verify::<serde_json::Value>(&changed(&token, at, by)).is_none());
        prop_assert!(JwsKey::from_seed(&[6; 32]).verify::<serde_json::Value>(&token).is_none());
    }
}

/// RFC 7636 appendix B.
#[test]
fn the_challenge_of_the_rfcs_verifier_is_the_rfcs_challenge() {
    let verifier = CodeVerifier::parse(Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned())).unwrap();
    let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
    assert!(challenge.matches(&CodeChallenge::of(&verifier)));
}

/// RFC 8037 appendix A.2 and A.3: the public key of a seed, and its thumbprint (threat F7).
#[test]
fn the_key_of_the_rfcs_seed_is_the_rfcs_key() {
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69,
        0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    let key = JwsKey::from_seed(&seed);
    assert_eq!(jwk::x(&key.public_key()), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// RFC 9700 section 2.6 and RFC 8252 section 7 (threat C2).
#[test]
fn dangerous_redirect_uris_are_not_registered() {
    let refused = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " https://a.example/",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://a.example/1",
        "file:///etc/passwd",
        "http://a.example/cb",
        "https://user@a.example/cb",
        "https://a.example@evil.example/cb",
        "https://a.example/cb#fragment",
        "https://a.example/../cb",
        "https://A.example/cb",
        "https://a.example:443/cb",
        "https://a.example/\tcb",
        "https://a.example\\@evil.example/",
        "http://localhost.evil.example/cb",
        "//a.example/cb",
        "/cb",
        "",
        "myapp://cb",
        "https://",
        "https:///cb",
    ];
    for text in refused {
        for application in [ApplicationType::Web, ApplicationType::Native] {
            assert!(RedirectUri::register(text, application).is_err(), "{text} as {application}");
        }
    }
    let private = "com.example.app:/callback";
    assert!(RedirectUri::register(private, ApplicationType::Native).is_ok());
    assert!(RedirectUri::register(private, ApplicationType::Web).is_err());
}

/// Values are pasted unencoded into shells and URLs, and hold 256 bits (threat A8).
#[test]
fn generated_values_are_long_and_need_no_encoding() {
    let ring = ring();
    let grant = GrantId::generate(UnixMillis(1), &OsEntropy).unwrap();
    for kind in KINDS {
        let token = Opaque::generate(kind, grant, 0, &ring, &OsEntropy).unwrap().encode(WORKSPACE, &ring);
        let text = token.expose_secret();
        assert_eq!(text.len(), 4 + 92);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
