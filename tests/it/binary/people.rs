//! People in the hands of an operator: passwords, roles, consents; and the words of scopes.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use crate::binary::server::{Server, Site};
use crate::support::clients::{CHALLENGE, VERIFIER};

pub const PASSWORD: &str = "correct horse";
pub const REDIRECT_URI: &str = "https://app.example.org/cb";

fn refused(site: &Site, arguments: &[&str], code: i32, told: &str) {
    let refused = site.run(arguments);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{arguments:?}: {refused:?}");
    assert!(refused.stderr.contains(told), "{arguments:?}: {refused:?}");
}

/// A browser at the real server.
pub struct Browser<'a> {
    server: &'a Server,
    http: reqwest::Client,
    /// By their names.
    pub cookies: BTreeMap<String, String>,
}

/// Where it was led, and what it was shown.
pub struct Page {
    /// Of the answer.
    pub status: u16,
    location: String,
    body: String,
}

impl Page {
    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let start = format!(r#"name="{name}" value=""#);
        let rest = self.body.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { server, http, cookies: BTreeMap::new() }
    }

    pub async fn get(&mut self, location: &str) -> Page {
        let issuer = self.server.summary["issuer"].as_str().unwrap();
        let path = location.strip_prefix(issuer).unwrap_or(location);
        self.send(self.http.get(self.server.http(path))).await
    }

    async fn submit(&mut self, path: &str, pairs: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.server.http(path)).form(pairs)).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for set in answer.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = answer.headers().get("location").map_or("", |location| location.to_str().unwrap()).to_owned();
        Page { status: answer.status().as_u16(), location, body: answer.text().await.unwrap() }
    }

    pub async fn sign_in(&mut self, path: &str, username: &str, password: &str) -> Page {
        let page = self.get(path).await;
        let (token, handle) = (page.hidden("csrf_token"), page.hidden("handle"));
        let pairs = [("csrf_token", token.as_str()), ("handle", &handle), ("username", username), ("password", password)];
        self.submit("/login", &pairs).await
    }

    /// Allows a client, and answers the code.
    pub async fn allow(&mut self, client_id: &str, username: &str) -> String {
        let parameters = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let query = crate::support::surface::form(&parameters);
        let asked = self.get(&format!("/oauth2/authorize?{query}")).await;
        let login = self.get(&asked.location).await;
        let signed_in = self.sign_in(&login.location, username, PASSWORD).await;
        let consent = self.get(&signed_in.location).await;
        let (token, handle) = (consent.hidden("csrf_token"), consent.hidden("handle"));
        let pairs = [("csrf_token", token.as_str()), ("handle", &handle), ("decision", "allow")];
        let decided = self.submit("/consent", &pairs).await;
        let location = Url::parse(&decided.location).unwrap();
        location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }
}

/// Threat N1, and what an operator watches: how many sign in, and how many fail.
#[tokio::test]
async fn a_password_that_an_operator_set_signs_in_and_is_counted() {
    let site = Site::new();
    let server = site.serve(&["--set", "log.level=trace"]);
    site.json_with_input(&["user", "create", "alice", "--password-stdin"], "correct horse\n");
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in("/login", "alice", "wrong").await.status, 400);
    assert_eq!(browser.sign_in("/login", "alice", PASSWORD).await.status, 303);
    assert_eq!(browser.get("/oauth2/apps").await.status, 200);
    site.json_with_input(&["user", "set-password", "alice", "--password-stdin"], "battery staple\n");
    assert_eq!(browser.get("/oauth2/apps").await.location, "/login", "sessions of the old password have ended");
    assert_eq!(browser.sign_in("/login", "alice", PASSWORD).await.status, 400);
    assert_eq!(browser.sign_in("/login", "alice", "battery staple").await.status, 303);
    for (outcome, count) in [("ok", "2"), ("invalid_grant", "2")] {
        let line = format!(r#"jeton_sign_ins_total{{outcome="{outcome}"}}"#);
        assert_eq!(server.metric(&line).await.as_deref(), Some(count), "{outcome}");
    }
    let log = server.log();
    assert!(log.contains("a password was presented"), "{log}");
    for secret in browser.cookies.values().map(String::as_str).chain([PASSWORD, "battery staple"]) {
        assert!(!log.contains(secret), "the log holds a secret");
    }
}

/// What a person allowed is read and taken back by an operator; what came of it ends.
#[tokio::test]
async fn a_consent_is_listed_and_withdrawn() {
    let site = Site::new();
    let server = site.serve(&[]);
    site.json_with_input(&["user", "create", "alice", "--password-stdin"], "correct horse\n");
    assert_eq!(site.json(&["user", "consents", "alice"]), json!([]));
    let client = site.json(&["client", "create", "--name", "Web", "--scope", "read", "--redirect-uri", REDIRECT_URI]);
    let id = client["client_id"].as_str().unwrap();
    let secret = client["client_secret"].as_str();
    let code = Browser::new(&server).allow(id, "alice").await;
    let grant =
        [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    let post = |path: &str| reqwest::Client::new().post(server.http(path)).basic_auth(id, secret);
    let tokens: Value = post("/oauth2/token").form(&grant).send().await.unwrap().json().await.unwrap();
    let active = async || -> Value {
        let token = [("token", tokens["access_token"].as_str().unwrap())];
        post("/oauth2/introspect").form(&token).send().await.unwrap().json::<Value>().await.unwrap()["active"].clone()
    };
    assert_eq!(active().await, true);

    let consents = site.json(&["user", "consents", "alice"]);
    assert_eq!((&consents[0]["client_id"], &consents[0]["scope"]), (&json!(id), &json!("read")));
    assert!(consents[0]["granted_at"].is_string(), "{consents}");
    assert!(site.run(&["user", "consents", "alice"]).stdout.contains(id));
    assert_eq!(site.json(&["user", "withdraw-consent", "alice", id]), json!({}));
    assert_eq!((active().await, site.json(&["user", "consents", "alice"])), (json!(false), json!([])));
    assert_eq!(site.json(&["user", "withdraw-consent", "alice", id]), json!({}), "a second time changes nothing");
    refused(&site, &["user", "withdraw-consent", "alice", "jc_never_allowed"], 1, "no such consent");
    refused(&site, &["user", "consents", "alice", "--workspace", "nowhere"], 1, "no such workspace");
}

/// An administrator of a workspace is made and unmade by an operator alone.
#[test]
fn a_person_is_promoted_and_demoted() {
    let site = Site::new();
    let _server = site.serve(&[]);
    assert_eq!(site.json(&["user", "create", "alice"])["administrator"], false);
    assert_eq!(site.json(&["user", "promote", "alice"])["administrator"], true);
    assert_eq!(site.json(&["user", "promote", "alice"])["administrator"], true, "a second time changes nothing");
    assert!(site.run(&["user", "list"]).stdout.lines().next().unwrap().contains("administrator"));
    assert_eq!(site.json(&["user", "list"])[0]["administrator"], true);
    assert_eq!(site.json(&["user", "demote", "alice"])["administrator"], false);
    for command in ["promote", "demote", "disable"] {
        refused(&site, &["user", command, "nobody"], 1, "no such user");
    }
    refused(&site, &["user", "create", "alice"], 1, "a user of that name");
    refused(&site, &["user", "create", "jc_x"], 1, "jc_");
    refused(&site, &["user", "create"], 2, "--username");
    refused(&site, &["user", "create", "alice", "--username", "bob"], 2, "--username");
}

/// RFC 6749 section 3.3: a scope is one token; its words are for people.
#[test]
fn scopes_are_described_listed_and_forgotten() {
    let site = Site::new();
    let _server = site.serve(&[]);
    assert_eq!(site.json(&["scope", "list"]), json!([]));
    let set =
        |name: &str, words: &str, more: &[&str]| site.json(&[&["scope", "set", name, "--description", words], more].concat());
    let read = json!({ "name": "read:analysis", "description": "See your analyses", "restricted": false });
    let admin = json!({ "name": "admin", "description": "Change the workspace", "restricted": true });
    assert_eq!(set("read:analysis", "See all", &["--restricted"])["restricted"], true);
    assert_eq!(set("read:analysis", "See your analyses", &[]), read, "in place of what was said before");
    assert_eq!(set("admin", "Change the workspace", &["--restricted"]), admin);
    assert_eq!(site.json(&["scope", "list"]), json!([admin, read]));
    let table = site.run(&["scope", "list"]).stdout;
    assert!(table.lines().any(|line| line.contains("admin") && line.contains("Change the workspace") && line.contains("true")));
    site.json(&["workspace", "create", "acme"]);
    assert_eq!(site.json(&["scope", "list", "--workspace", "acme"]), json!([]));

    for (name, words, told) in [
        ("a b", "Two", "one scope token"),
        ("a\"", "Quoted", "one scope token"),
        ("a", "", "1 to 200 characters"),
        ("a", &"x".repeat(201), "1 to 200"),
    ] {
        refused(&site, &["scope", "set", name, "--description", words], 1, told);
    }
    refused(&site, &["scope", "set", "a"], 2, "--description");
    assert_eq!(site.json(&["scope", "delete", "admin"]), json!({}));
    refused(&site, &["scope", "delete", "admin"], 1, "no such scope");
    assert_eq!(site.json(&["scope", "list"]), json!([read]));
}
