//! How credentials travel in a request, and what is refused.

use http::HeaderValue;
use http::header::HeaderName;
use proptest::prelude::*;

use super::*;

fn with_header(value: &str, body: &str) -> Result<Method, Refused> {
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(value).unwrap())]);
    read(&headers, body)
}

fn read(headers: &HeaderMap, body: &str) -> Result<Method, Refused> {
    let form = Form::parse(body.as_bytes()).unwrap();
    client_authentication(headers, &form).map(|found| found.method.unwrap())
}

fn with_basic(credentials: &str, body: &str) -> Result<Method, Refused> {
    with_header(&format!("Basic {}", STANDARD.encode(credentials)), body)
}

fn secret(client_id: &str, client_secret: &str) -> ClientSecret {
    ClientSecret { client_id: client_id.into(), client_secret: client_secret.into() }
}

/// RFC 6749 section 2.3.1: both halves are form-urlencoded.
#[test]
fn basic_credentials_are_decoded() {
    assert_eq!(with_basic("id:secret", "").unwrap(), Method::ClientSecretBasic(secret("id", "secret")));
    assert_eq!(with_basic("a%3Ab:c+d%25:e", "").unwrap(), Method::ClientSecretBasic(secret("a:b", "c d%:e")));
    let lower = with_header(&format!("bAsIc {}", STANDARD.encode("id:s")), "").unwrap();
    assert_eq!(lower, Method::ClientSecretBasic(secret("id", "s")));
}

/// E4: an empty secret does not make a confidential client a public one.
#[test]
fn an_empty_basic_secret_is_a_secret() {
    assert_eq!(with_basic("id:", "").unwrap(), Method::ClientSecretBasic(secret("id", "")));
}

#[test]
fn credentials_in_the_body_are_read() {
    let none = HeaderMap::new();
    assert_eq!(read(&none, "client_id=id&client_secret=s").unwrap(), Method::ClientSecretPost(secret("id", "s")));
    assert_eq!(read(&none, "client_id=id").unwrap(), Method::None(PublicClient { client_id: "id".into() }));
    assert_eq!(read(&none, "client_id=id&client_secret=").unwrap(), Method::None(PublicClient { client_id: "id".into() }));
}

/// RFC 6749 section 2.3 and E8: one method per request.
#[test]
fn two_methods_at_once_are_refused() {
    for body in ["client_secret=s", "client_id=id&client_secret=s", "client_assertion=a", "client_id=other"] {
        let refused = with_basic("id:secret", body).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.error), (400, "invalid_request"), "{body}");
    }
    assert!(with_basic("id:secret", "client_id=id").is_ok());
    let refused = read(&HeaderMap::new(), "client_id=id&client_secret=s&client_assertion=a").unwrap_err();
    assert_eq!(refused.error, "invalid_request");
}

/// E3: an assertion beside a client_id does not make the client a public one.
#[test]
fn an_assertion_is_not_ignored() {
    let refused = read(&HeaderMap::new(), "client_id=id&client_assertion=a").unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.error), (401, "invalid_client"));
}

#[test]
fn two_authorization_headers_are_refused() {
    let header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode("id:s"))).unwrap();
    let mut headers = HeaderMap::new();
    headers.append(AUTHORIZATION, header.clone());
    headers.append(AUTHORIZATION, header);
    assert_eq!(read(&headers, "").unwrap_err().error, "invalid_request");
}

#[test]
fn malformed_and_missing_credentials_are_invalid_client() {
    for header in ["", "Basic", "Basic ", "Basic !!!", "Basic aWQ", "Bearer abc", "Digest x", "Basic aWQ6cw==,Basic aWQ6cw=="] {
        let refused = with_header(header, "").unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.error), (401, "invalid_client"), "{header}");
    }
    for credentials in ["no-colon", ":secret", "id:100%", "id:%ff", "id:%00", "%zz:s"] {
        assert_eq!(with_basic(credentials, "").unwrap_err().error, "invalid_client", "{credentials}");
    }
    for body in ["", "client_secret=s", "client_id="] {
        assert_eq!(read(&HeaderMap::new(), body).unwrap_err().error, "invalid_client", "{body}");
    }
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let headers = HeaderMap::from_iter([(HeaderName::from_static("authorization"), value)]);
            let _ = read(&headers, "");
        }
    }

    #[test]
    fn any_credentials_are_read_or_refused_unseen(credentials in proptest::collection::vec(any::<u8>(), 0..200)) {
        let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(&credentials))).unwrap();
        let _ = read(&HeaderMap::from_iter([(AUTHORIZATION, value)]), "");
    }

    #[test]
    fn every_character_survives_basic(id in "[^\0]{1,20}", value in "[^\0]{0,20}") {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let found = with_basic(&format!("{}:{}", encode(&id), encode(&value)), "").unwrap();
        prop_assert_eq!(found, Method::ClientSecretBasic(secret(&id, &value)));
    }

    #[test]
    fn debug_never_shows_the_secret(value in "[A-Z]{12,20}") {
        let found = with_basic(&format!("id:{value}"), "");
        let shown = format!("{found:?}");
        prop_assert!(!shown.contains(&value));
        let refused = with_basic(&format!("id:{value}"), &format!("client_secret={value}"));
        let shown = format!("{refused:?}");
        prop_assert!(!shown.contains(&value));
    }
}
