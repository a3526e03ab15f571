//! Secrets stay where they belong: not in the log, the metrics, or the files of the store.

mod deviations;

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, Once};

use jeton::pb::admin::v1::WorkspaceSettings;
use jeton::pb::v1::decide_authorization_request::Decision;
use jeton::pb::v1::{Approval, DecideAuthorizationRequest, GetClientRequest, RotateClientSecretRequest};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::people::Door;
use crate::support::clients::{CHALLENGE, Party, REDIRECT_URI, VERIFIER, native, service, web};
use crate::support::server::{Server, with_authorization};
use crate::support::surface::{Answer, Api};
use crate::support::web::{Browser, parameter};

/// What every made-up value of these flows contains.
const CANARY: &str = "canary-6c1d";

/// Crates below us that show what they carry when they are asked to; `server::telemetry` keeps them quiet likewise.
const QUIET: &[&str] = &["h2", "hyper", "hyper_util", "sled", "tonic", "tower"];

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Writes every line of this process at every level, spans too, whatever thread it comes from.
fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ours = filter_fn(|metadata| !QUIET.contains(&metadata.target().split("::").next().unwrap_or_default()));
        let lines = fmt::layer().with_ansi(false).with_span_events(FmtSpan::FULL).with_writer(Log).with_filter(ours);
        registry().with(lines).try_init().unwrap();
    });
}

/// The end of a secret: what a shortened one in a log line would still show.
fn tail(secret: &str) -> &str {
    &secret[secret.len().saturating_sub(24)..]
}

async fn sign_ins(api: &Api, client: &Party, secrets: &mut Vec<String>) {
    let code = api.server.code(client, "alice", "read").await;
    for (redirect_uri, verifier) in [(REDIRECT_URI, CHALLENGE), (CANARY, VERIFIER), (REDIRECT_URI, CANARY)] {
        api.redeem_with(client, &code, &[("redirect_uri", redirect_uri), ("code_verifier", verifier)]).await.unwrap_err();
    }
    let first = api.redeem(client, &code).await.unwrap();
    let second = api.refresh(client, first.refresh_token()).await.unwrap();
    api.refresh(client, first.refresh_token()).await.unwrap();
    let third = api.refresh_for(client, second.refresh_token(), "read").await.unwrap();
    api.refresh_for(client, third.refresh_token(), CANARY).await.unwrap_err();
    api.refresh(client, first.refresh_token()).await.unwrap_err();
    api.redeem(client, &code).await.unwrap_err();
    let last = api.sign_in(client, "alice", "read").await;
    api.revoke(client, last.refresh_token()).await.unwrap();
    if client.secret.is_some() {
        for token in [&last.access_token, last.refresh_token(), CANARY] {
            api.introspect(client, token).await.unwrap();
        }
    }
    secrets.push(code);
    for tokens in [first, second, third, last] {
        secrets.push(tokens.refresh_token().to_owned());
        secrets.push(tokens.access_token);
    }
}

async fn in_a_browser(server: &Server, client: &Party, secrets: &mut Vec<String>) {
    let login_uri = "https://login.example.org/".to_owned();
    server.set_workspace("default", WorkspaceSettings { login_uri, ..WorkspaceSettings::default() }).await;
    for _ in 0..2 {
        let (mut browser, mut other) = (Browser::default(), Browser::default());
        let answer = browser.authorize(server, client, &[("state", CANARY)]).await;
        secrets.push(answer.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned());
        let handle = parameter(answer.header("location"), "handle").unwrap();
        other.authorize_by_post(server, client, &[]).await;
        let approval = Approval { subject: "alice".to_owned(), ..Approval::default() };
        let request = DecideAuthorizationRequest {
            workspace: String::new(),
            handle: handle.clone(),
            decision: Some(Decision::Approve(approval)),
        };
        let decided = server.authorizations().decide_authorization(server.as_admin(request)).await.unwrap().into_inner();
        let released = browser.get(server, &decided.redirect_uri).await;
        other.get(server, &decided.redirect_uri).await;
        browser.get(server, "/oauth2/continue?ticket=canary-6c1d&canary-6c1d=1").await;
        secrets.extend([handle, parameter(&decided.redirect_uri, "ticket").unwrap()]);
        secrets.push(parameter(released.header("location"), "code").unwrap());
    }
    for name in ["response_type", "client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method"] {
        Browser::default().authorize(server, client, &[(name, CANARY), ("state", CANARY)]).await;
    }
}

/// People with passwords: set, right, wrong, and typed where the username belongs.
async fn passwords(server: &Server, secrets: &mut Vec<String>) {
    let (first, second) = (format!("first {CANARY}"), format!("second {CANARY}"));
    server.person("bob", &first).await;
    server.try_person(CANARY, CANARY).await.unwrap();
    server.try_person("carol", &CANARY.repeat(100)).await.unwrap_err();
    let door = Door::of(server).from([192, 0, 2, 1]);
    secrets.push(door.sign_in("bob", &first).await.unwrap().expose_secret().to_owned());
    secrets.push(door.csrf_token());
    for (username, password) in [("bob", CANARY), (&*first, CANARY), (CANARY, "wrong"), ("bob", &second)] {
        door.refused(username, password).await;
    }
    server.set_password("bob", &second).await.unwrap();
    for _ in 0..8 {
        door.refused("bob", &first).await;
    }
    secrets.extend([first, second]);
}

async fn mistakes(server: &Server, client: &Party) {
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/authorize", "/canary-6c1d/oauth2/token"] {
        for name in ["client_secret", "client_secet", "code", "refresh_token", "token", "grant_type", "scope", CANARY] {
            let pairs = [("grant_type", "client_credentials"), (name, CANARY)];
            server.post(path, client, &pairs[usize::from(name == "grant_type")..]).await;
            server.post(&format!("{path}?{name}={CANARY}"), client, &pairs[..1]).await;
            server.post_plainly(path, &format!("client_id={CANARY}&{name}={CANARY}&%zz={CANARY}")).await;
        }
        for header in [format!("Basic {CANARY}"), format!("Bearer {CANARY}"), client.with_secret(CANARY).basic()] {
            let request = server.http.post(server.url(path)).header("authorization", header).header("x-forwarded-for", CANARY);
            request.header("content-type", CANARY).body(CANARY).send().await.unwrap();
        }
        server.http.get(server.url(&format!("{path}/{CANARY}?{CANARY}"))).header("cookie", CANARY).send().await.unwrap();
    }
    for authorization in [format!("Bearer {CANARY}"), client.with_secret(CANARY).basic(), CANARY.to_owned()] {
        let request = GetClientRequest { workspace: String::new(), client_id: CANARY.to_owned() };
        server.clients().get_client(with_authorization(request, &authorization)).await.unwrap_err();
    }
    let request = GetClientRequest { workspace: CANARY.to_owned(), client_id: CANARY.to_owned() };
    server.clients().get_client(server.as_admin(request)).await.unwrap_err();
}

/// Threats N1 and I4: of all that is presented or answered, at every level nothing stands in the log or the metrics.
#[tokio::test]
async fn no_secret_is_in_the_log_or_the_metrics() {
    record();
    let mut secrets = vec![VERIFIER.to_owned(), CANARY.to_owned()];
    for api in Api::both().await {
        let (confidential, public, own) =
            (api.server.register(web()).await, api.server.register(native()).await, api.server.register(service()).await);
        for client in [&confidential, &public] {
            sign_ins(&api, client, &mut secrets).await;
        }
        secrets.push(api.client_credentials(&own, "").await.unwrap().access_token);
        api.client_credentials(&own, CANARY).await.unwrap_err();
        passwords(&api.server, &mut secrets).await;
        deviations::policies(&api.server, &mut secrets).await;
        deviations::forms(&api.server, &confidential, &mut secrets).await;
        in_a_browser(&api.server, &confidential, &mut secrets).await;
        mistakes(&api.server, &own).await;
        let request = RotateClientSecretRequest { client_id: own.client_id.clone(), ..RotateClientSecretRequest::default() };
        let rotated = api.server.clients().rotate_client_secret(api.server.as_admin(request)).await.unwrap().into_inner();
        secrets.extend([rotated.client_secret, api.server.admin_token.clone()]);
        secrets.extend([confidential, own].into_iter().filter_map(|client| client.secret));
        let url = format!("http://{}/metrics", api.server.addresses().ops);
        let metrics = Answer::of(api.server.http.get(url).send().await.unwrap()).await.body;
        for metric in ["jeton_requests_total", r#"jeton_sign_ins_total{outcome="too_many_requests"}"#] {
            assert!(metrics.contains(metric), "{metrics}");
        }
        for policy in deviations::USED {
            assert!(metrics.contains(&format!(r#"jeton_policy_uses_total{{policy="{policy}"}}"#)), "{policy}: {metrics}");
        }
        for secret in &secrets {
            assert!(!metrics.contains(tail(secret)), "{secret}");
        }
    }
    let written = String::from_utf8_lossy(&WRITTEN.lock().unwrap()).into_owned();
    for line in ["a code was used twice", "a password was presented", "a compatibility policy was used"] {
        assert!(written.contains(line), "the log is not recorded");
    }
    for secret in &secrets {
        let line = written.lines().find(|line| line.contains(tail(secret)));
        assert_eq!(line, None, "{secret}");
    }
}

/// Threats N1 and E5: what lies on the disk is no use to a reader: no secret stands there, and what stands there is no
/// secret.
#[tokio::test]
async fn no_secret_is_in_the_store() {
    for api in Api::both().await {
        let (confidential, public) = (api.server.register(web()).await, api.server.register(native()).await);
        let mut secrets = Vec::new();
        for client in [&confidential, &public] {
            sign_ins(&api, client, &mut secrets).await;
        }
        passwords(&api.server, &mut secrets).await;
        deviations::policies(&api.server, &mut secrets).await;
        deviations::forms(&api.server, &confidential, &mut secrets).await;
        in_a_browser(&api.server, &confidential, &mut secrets).await;
        secrets.push(confidential.secret.unwrap());
        let api = api.restart().await;
        let files = files_below(&api.server.data_dir().join("store"));
        let stored = |text: &str| files.iter().any(|file| file.windows(text.len()).any(|window| window == text.as_bytes()));
        assert!(stored(REDIRECT_URI), "what is stored can be found");
        for secret in &secrets {
            assert!(!stored(tail(secret)), "{secret}");
        }
    }
}

fn files_below(directory: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(std::fs::read(path).unwrap());
        }
    }
    files
}
