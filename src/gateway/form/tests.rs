//! What a form body may be, and what it says when it is not.

use proptest::prelude::*;

use super::*;

fn refusal(encoded: &str) -> String {
    Form::parse(encoded.as_bytes()).unwrap_err().description.into_owned()
}

#[test]
fn values_are_decoded() {
    let form = Form::parse(b"grant_type=client_credentials&scope=a+b%20c&state=%C3%A9%2B").unwrap();
    assert_eq!(form.text(Parameter::GrantType), "client_credentials");
    assert_eq!(form.text(Parameter::Scope), "a b c");
    assert_eq!(form.text(Parameter::State), "\u{e9}+");
    assert_eq!(form.text(Parameter::Code), "");
}

/// RFC 6749 section 3.2: parameters must not be included more than once.
#[test]
fn a_repeated_parameter_is_refused_by_name() {
    assert_eq!(refusal("scope=a&scope=b"), "the parameter scope is repeated");
    assert_eq!(refusal("scope=&scope=b"), "the parameter scope is repeated");
    assert_eq!(refusal("code=a&c%6Fde=b"), "the parameter code is repeated");
}

/// N1: an unknown name may be a mistyped one with the secret in it.
#[test]
fn a_repeated_unknown_parameter_is_refused_without_its_name() {
    assert!(!refusal("client_secet=canary&client_secet=canary").contains("canary"));
    assert!(!refusal("canary=1&canary=2").contains("canary"));
}

/// RFC 6749 section 3.2: a parameter without a value is treated as if it were omitted.
#[test]
fn an_empty_value_is_none() {
    let form = Form::parse(b"client_secret=&scope&&code=x").unwrap();
    assert!(!form.has(Parameter::ClientSecret));
    assert!(!form.has(Parameter::Scope));
    assert!(form.has(Parameter::Code));
}

#[test]
fn what_decoders_disagree_about_is_refused() {
    for encoded in ["scope=%", "scope=%2", "scope=%zz", "scope=%+1", "scope=%ff", "scope=%C3", "scope=%00", "sc%00pe=a", "%=1"] {
        assert!(refusal(encoded).contains("well-formed"), "{encoded}");
    }
    assert!(Form::parse(b"scope=\0").is_err());
    assert!(Form::parse(b"scope=\xff").is_err());
}

#[test]
fn more_parameters_than_any_client_sends_are_refused() {
    let names = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    assert!(Form::parse(names(100).as_bytes()).is_ok());
    assert_eq!(refusal(&names(101)), "the request has more than 100 parameters");
}

#[test]
fn debug_shows_names_alone() {
    for parameter in Parameter::ALL {
        let form = Form::parse(format!("{}=canary", parameter.name()).as_bytes()).unwrap();
        let shown = format!("{form:?}");
        assert!(shown.contains(parameter.name()) && !shown.contains("canary"), "{shown}");
    }
}

#[test]
fn only_forms_in_utf_8_are_read() {
    for good in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLEncoded;charset=UTF-8",
        "application/x-www-form-urlencoded; charset=\"utf-8\"",
        "application/x-www-form-urlencoded;",
    ] {
        assert!(form_type(good), "{good}");
    }
    for bad in [
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded, application/json",
        "application/x-www-form-urlencodedx",
    ] {
        assert!(!form_type(bad), "{bad}");
    }
}

#[test]
fn a_parameter_in_a_url_is_named_however_it_is_written() {
    for query in ["code=canary", "x=1&code=canary", "c%6fde=canary", "code", "a=%zz&code=%ff"] {
        let refused = refuse_parameters_in_url(Some(query), None).unwrap_err();
        assert_eq!(refused.description, "the parameter code must be sent in the body of the request, not in its URL");
    }
    assert!(refuse_parameters_in_url(Some("utm_source=x"), None).is_ok());
    assert!(refuse_parameters_in_url(None, None).is_ok());
}

/// Every byte escaped, as some clients do.
fn escape_all(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(encoded in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Form::parse(&encoded);
    }

    #[test]
    fn every_character_survives_its_escape(text in "[^\0]{0,40}") {
        let escaped = escape_all(&text);
        prop_assert_eq!(decode(escaped.as_bytes()), Some(Cow::Borrowed(text.as_str())));
        let usual: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        prop_assert_eq!(decode(usual.as_bytes()), Some(Cow::Borrowed(text.as_str())));
    }

    /// What is accepted means the same to the decoder of the URL standard.
    #[test]
    fn nothing_is_read_differently_than_by_the_url_standard(encoded in "[a-c%+=&2-4\u{e9} ]{0,40}") {
        let value = encoded.replace(['=', '&'], "");
        if let Some(decoded) = decode(value.as_bytes()) {
            let theirs = form_urlencoded::parse(format!("k={value}").as_bytes())
                .next().map(|(_, value)| value.into_owned());
            prop_assert_eq!(Some(decoded.into_owned()), theirs);
        }
    }
}
