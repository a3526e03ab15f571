//! How the client authenticates in this request (RFC 6749 section 2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::gateway::error::Refused;
use crate::gateway::form::{Form, Parameter, decode};
use crate::pb::v1::client_authentication::Method;
use crate::pb::v1::{ClientAuthentication, ClientSecret, PublicClient};

/// Reads the one method that the client uses.
///
/// # Errors
/// `invalid_request` for two methods at once, `invalid_client` for none or for a malformed one.
pub(super) fn client_authentication(headers: &HeaderMap, form: &Form) -> Result<ClientAuthentication, Refused> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let method = match (sent.next(), sent.next()) {
        (_, Some(_)) => return Err(Refused::invalid_request("the request has more than one Authorization header")),
        (Some(header), None) => from_header(header.as_bytes(), form)?,
        (None, None) => from_body(form)?,
    };
    Ok(ClientAuthentication { method: Some(method) })
}

/// The same where a refresh token may be enough: `None` when the request tells nothing of its client.
///
/// # Errors
/// As [`client_authentication`], for whatever was sent.
pub(super) fn optional_client_authentication(headers: &HeaderMap, form: &Form) -> Result<Option<ClientAuthentication>, Refused> {
    let told = [Parameter::ClientId, Parameter::ClientSecret, Parameter::ClientAssertion, Parameter::ClientAssertionType];
    if !headers.contains_key(AUTHORIZATION) && !told.into_iter().any(|parameter| form.has(parameter)) {
        return Ok(None);
    }
    client_authentication(headers, form).map(Some)
}

fn from_header(header: &[u8], form: &Form) -> Result<Method, Refused> {
    let credentials = basic(header)?;
    if form.has(Parameter::ClientSecret) || form.has(Parameter::ClientAssertion) {
        return Err(Refused::invalid_request(
            "the client authenticates both in the Authorization header and in the body; use one of them",
        ));
    }
    if form.has(Parameter::ClientId) && form.text(Parameter::ClientId) != credentials.client_id {
        return Err(Refused::invalid_request("client_id in the body differs from that of the Authorization header"));
    }
    // An empty secret is still a secret that was sent: the client is not taken for a public one.
    Ok(Method::ClientSecretBasic(credentials))
}

fn from_body(form: &Form) -> Result<Method, Refused> {
    if form.has(Parameter::ClientAssertion) {
        return Err(if form.has(Parameter::ClientSecret) {
            Refused::invalid_request("the client authenticates with a secret and an assertion; use one of them")
        } else {
            Refused::invalid_client("client_assertion is not supported; use client_secret")
        });
    }
    let client_id = form.text(Parameter::ClientId);
    if client_id.is_empty() {
        return Err(Refused::invalid_client(
            "the request has no client authentication: send client_id and client_secret, or client_id alone for a public client",
        ));
    }
    if form.has(Parameter::ClientSecret) {
        return Ok(Method::ClientSecretPost(ClientSecret { client_id, client_secret: form.text(Parameter::ClientSecret) }));
    }
    Ok(Method::None(PublicClient { client_id }))
}

/// Reads HTTP Basic credentials, whose halves are form-encoded (RFC 6749 section 2.3.1).
fn basic(header: &[u8]) -> Result<ClientSecret, Refused> {
    let malformed = || {
        Refused::invalid_client(
            "the Authorization header must be Basic with the base64 encoding of client_id:client_secret, each form-urlencoded first",
        )
    };
    let text = str::from_utf8(header).map_err(|_| malformed())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refused::invalid_client("clients authenticate here with the Authorization scheme Basic only"));
    }
    let decoded = STANDARD.decode(encoded.trim_start_matches(' ')).map_err(|_| malformed())?;
    let mut halves = decoded.splitn(2, |&byte| byte == b':');
    let (Some(client_id), Some(client_secret)) = (halves.next(), halves.next()) else {
        return Err(malformed());
    };
    let client_id = decode(client_id).filter(|id| !id.is_empty()).ok_or_else(malformed)?;
    let client_secret = decode(client_secret).ok_or_else(malformed)?;
    Ok(ClientSecret { client_id: client_id.into_owned(), client_secret: client_secret.into_owned() })
}

#[cfg(test)]
mod tests;
