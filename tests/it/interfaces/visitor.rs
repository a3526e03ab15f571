//! A person's way through the pages over plain HTTP: with cookies and forms, without scripts.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use url::Url;

use super::html::{Form, forms, tags, title, words};
use super::site::{PASSWORD, USERNAME};

/// More steps than any way through the pages has.
const MOST_STEPS: usize = 12;

/// A page, or where the browser was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn words(&self) -> String {
        words(&self.html)
    }

    pub fn title(&self) -> String {
        title(&self.html)
    }

    /// The form that has this field or this button.
    pub fn form(&self, name: &str) -> Option<Form> {
        let has = |form: &Form| form.has(name) || form.buttons.iter().any(|button| button.name == name);
        forms(&self.html).into_iter().find(has)
    }

    /// The same, which must be there.
    pub fn the_form(&self, name: &str) -> Form {
        self.form(name).unwrap_or_else(|| panic!("{} {} has no form with {name}:\n{}", self.status, self.url, self.html))
    }

    /// Where the links of the page lead.
    pub fn links(&self) -> Vec<Url> {
        let links = tags(&self.html).into_iter().filter(|tag| tag.name == "a");
        links.filter_map(|tag| tag.attribute("href").map(|href| self.url.join(href).unwrap())).collect()
    }

    /// The one word of the page that begins so: a code, a secret, a URL to copy.
    pub fn word(&self, beginning: &str) -> Option<String> {
        let values = tags(&self.html).into_iter().filter_map(|tag| tag.attribute("value").map(str::to_owned));
        let read = self.words();
        let mut all = values.chain(read.split(' ').map(str::to_owned));
        all.find(|word| word.starts_with(beginning))
    }

    /// A parameter of the URL's query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned())
    }
}

/// A person with a browser.
pub struct Visitor {
    host: Url,
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Somebody who has never been here.
    pub fn of(host: &str) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { host: Url::parse(host).unwrap(), client, cookies: BTreeMap::new() }
    }

    /// Opens a URL or a path, and follows it as far as the server itself leads.
    pub async fn open(&mut self, url: &str) -> Seen {
        let url = self.host.join(url).unwrap();
        self.follow(self.client.get(url.clone()), url).await
    }

    /// Sends a form with changed or added fields.
    pub async fn send(&mut self, page: &Seen, form: &Form, changes: &[(&str, &str)]) -> Seen {
        let kept = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let fields: Vec<(&str, &str)> = kept.chain(changes.iter().copied()).collect();
        let url = page.url.join(&form.action).unwrap();
        // A browser says where the form stood; with `no-referrer`, it says so with `null`.
        let origin = page.url.origin().ascii_serialization();
        let request = self.client.post(url.clone()).header("origin", origin).form(&fields);
        self.follow(request, url).await
    }

    /// Opens a URL, signs in when that is asked, and stops where something else is asked.
    pub async fn open_signed_in(&mut self, url: &str) -> Seen {
        let seen = self.open(url).await;
        self.sign_in(seen).await
    }

    /// Signs in if this is the sign-in page.
    pub async fn sign_in(&mut self, seen: Seen) -> Seen {
        match seen.form("password") {
            Some(form) => self.send(&seen, &form, &[("username", USERNAME), ("password", PASSWORD)]).await,
            None => seen,
        }
    }

    /// Presses a button of the consent page.
    pub async fn decide(&mut self, consent: &Seen, decision: &str) -> Seen {
        let form = consent.the_form("decision");
        assert!(form.buttons.iter().any(|button| button.value == decision), "{form:?}");
        self.send(consent, &form, &[("decision", decision)]).await
    }

    /// Signs in and allows what a URL asks for: the page or the redirect that ends it.
    pub async fn allow(&mut self, url: &str) -> Seen {
        let consent = self.open_signed_in(url).await;
        self.decide(&consent, "allow").await
    }

    async fn follow(&mut self, request: reqwest::RequestBuilder, url: Url) -> Seen {
        let (mut request, mut url) = (request, url);
        for _ in 0..MOST_STEPS {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
            self.keep_cookies(answer.headers());
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let next = headers.get(LOCATION).map(|location| url.join(location.to_str().unwrap()).unwrap());
            match next {
                // RFC 9700 section 4.12: a form must not be sent on.
                Some(_) if status != 303 => panic!("{url} redirects with {status}"),
                // The client's own site is not asked; what it would have been sent is what counts.
                Some(next) if next.origin() != self.host.origin() => {
                    return Seen { url: next, status, headers, html: String::new() };
                }
                Some(next) => {
                    request = self.client.get(next.clone());
                    url = next;
                }
                None => return Seen { url, status, headers, html: answer.text().await.unwrap() },
            }
        }
        panic!("{url} leads round and round");
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for set in headers.get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (pair, attributes) = set.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
