//! A browser that follows no redirect by itself and keeps its cookies.

use std::collections::BTreeMap;

use url::Url;

use super::clients::{CHALLENGE, Party, REDIRECT_URI};
use super::server::{ISSUER, Server};
use super::surface::{Answer, form};

/// A browser.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// The values of its cookies.
    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.cookies.values().map(String::as_str)
    }

    /// Goes to a URL of the server, named by its issuer or by its path.
    pub async fn get(&mut self, server: &Server, location: &str) -> Answer {
        let path = location.strip_prefix(ISSUER).unwrap_or(location);
        self.send(server.http.get(server.url(path))).await
    }

    /// Begins an authorization request.
    pub async fn authorize(&mut self, server: &Server, party: &Party, changes: &[(&str, &str)]) -> Answer {
        let path = if party.workspace.is_empty() { String::new() } else { format!("/{}", party.workspace) };
        let query = form(&borrowed(&request_parameters(party, changes)));
        self.get(server, &format!("{path}/oauth2/authorize?{query}")).await
    }

    /// The same with a form.
    pub async fn authorize_by_post(&mut self, server: &Server, party: &Party, changes: &[(&str, &str)]) -> Answer {
        let body = form(&borrowed(&request_parameters(party, changes)));
        let request = server.http.post(server.endpoint(&party.workspace, "/oauth2/authorize")).body(body);
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// Sends a form to a page.
    pub async fn submit(&mut self, server: &Server, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let request = server.http.post(server.url(path)).body(form(pairs));
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let answer = Answer::of(request.send().await.unwrap()).await;
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// The parameters of a good authorization request with changes: an empty value leaves one out.
pub fn request_parameters(party: &Party, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let good = [
        ("response_type", "code"),
        ("client_id", &party.client_id),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "read"),
        ("state", "s t&a=te"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let changed = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
    let more = changes.iter().filter(|(name, _)| good.iter().all(|(known, _)| known != name));
    let parameters = good.iter().map(|(name, value)| (*name, changed(name).unwrap_or(value))).chain(more.copied());
    parameters.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// One parameter of a URI's query.
pub fn parameter(uri: &str, name: &str) -> Option<String> {
    let uri = Url::parse(uri).unwrap();
    uri.query_pairs().find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned())
}
