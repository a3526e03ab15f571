//! Secrets where compatibility policies and forms of pages let them in (threats N1 and N3).

use jeton::pb::admin::v1::EnablePolicyRequest;
use jeton::pb::admin::v1::policy_service_client::PolicyServiceClient;
use jeton::pb::v1::{ClientMetadata, GrantType};

use super::CANARY;
use crate::support::clients::{Party, REDIRECT_URI, VERIFIER, web};
use crate::support::server::{ISSUER, Server};
use crate::support::surface::{Answer, form};
use crate::support::web::{Browser, parameter};

/// What the audit log and the metrics are to say of.
pub const USED: [&str; 6] = [
    "code_in_query",
    "grant_type_code",
    "implicit_grant",
    "password_grant",
    "path_aliases",
    "refresh_without_client_authentication",
];

async fn enable(server: &Server, client: &Party, policy: &str) {
    let request = EnablePolicyRequest {
        client_id: client.client_id.clone(),
        policy: policy.to_owned(),
        reason: "an old client".to_owned(),
        ..EnablePolicyRequest::default()
    };
    PolicyServiceClient::new(server.admin()).enable_policy(server.as_admin(request)).await.unwrap();
}

/// A refusal repeats nothing of what was presented.
fn silent(answer: &Answer, status: u16, presented: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.body);
    for value in presented {
        assert!(!answer.body.contains(value), "{value}: {}", answer.body);
        assert!(answer.headers.values().all(|header| !header.to_str().unwrap().contains(value)), "{value}");
    }
}

/// Values in the URL, in a grant type, and of every policy: off, then on.
pub async fn policies(server: &Server, secrets: &mut Vec<String>) {
    let grants = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
    let client = server.register(ClientMetadata { grant_types: grants.map(i32::from).to_vec(), ..web() }).await;
    let password = format!("third {CANARY}");
    server.person("dora", &password).await;
    let code = server.code(&client, "dora", "read").await;
    let query = format!("/oauth2/token?code={code}");
    let grant = [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    silent(&server.post(&query, &client, &grant).await, 400, &[&code]);
    let by_password = |password: &'static str| [("grant_type", "password"), ("username", "dora"), ("password", password)];
    silent(&server.post("/oauth2/token", &client, &by_password(CANARY)).await, 400, &[CANARY]);

    for policy in USED {
        enable(server, &client, policy).await;
    }
    silent(&server.post(&query, &client.with_secret(CANARY), &grant).await, 401, &[&code, CANARY]);
    silent(&server.post(&format!("{query}&code={CANARY}"), &client, &grant).await, 400, &[&code, CANARY]);
    let redeemed = server.post(&query, &client, &grant).await.json().unwrap();
    silent(&server.post(&query, &client, &grant).await, 400, &[&code]);
    let tokens =
        server.post("/token", &client, &[&by_password("")[..2], &[("password", &*password)]].concat()).await.json().unwrap();
    silent(&server.post("/oauth2/token", &client, &by_password(CANARY)).await, 400, &[CANARY]);
    let other = server.code(&client, "dora", "read").await;
    let alias = [&[("grant_type", "code"), ("code", &*other)], &grant[1..]].concat();
    let aliased = server.post("/oauth/2/token", &client, &alias).await.json().unwrap();

    // The sample of a published interface, word for word: the `&` is missing.
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let body = format!("grant_type=refresh_tokenrefresh_token={refresh_token}");
    silent(&server.post_plainly("/oauth2/token", &body).await, 400, &[refresh_token]);
    let request = server.http.post(server.url("/oauth2/token")).header("authorization", client.basic());
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    silent(&Answer::of(request.send().await.unwrap()).await, 400, &[refresh_token]);
    let alone = form(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
    let refreshed = server.post_plainly("/oauth2/token", &alone).await.json().unwrap();

    secrets.extend([code, other, password]);
    for answer in [redeemed, tokens, aliased, refreshed] {
        secrets.extend(["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap().to_owned()));
    }
}

fn hidden(page: &Answer, name: &str) -> String {
    let start = format!(r#"name="{name}" value=""#);
    let rest = page.body.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {}", page.body));
    rest.split('"').next().unwrap().to_owned()
}

fn path(answer: &Answer) -> &str {
    let location = answer.header("location");
    location.strip_prefix(ISSUER).unwrap_or(location)
}

/// The access token of an implicit grant, in the fragment of where the browser is sent.
async fn implicit(server: &Server, browser: &mut Browser) -> String {
    let client = server.register(web()).await;
    enable(server, &client, "implicit_grant").await;
    let token = [("response_type", "token"), ("code_challenge", ""), ("code_challenge_method", "")];
    let asked = browser.authorize(server, &client, &token).await;
    let consent = browser.get(server, path(&asked)).await;
    let (csrf, handle) = (hidden(&consent, "csrf_token"), hidden(&consent, "handle"));
    let allow = [("csrf_token", &*csrf), ("handle", &handle), ("decision", "allow")];
    let decided = browser.submit(server, "/consent", &allow).await;
    parameter(&decided.header("location").replace('#', "?"), "access_token").unwrap()
}

/// A person's way through the forms, with every mistake on it.
pub async fn forms(server: &Server, client: &Party, secrets: &mut Vec<String>) {
    let password = format!("fourth {CANARY}");
    server.person("erin", &password).await;
    let mut browser = Browser::default();
    let asked = browser.authorize(server, client, &[]).await;
    let login = browser.get(server, path(&asked)).await;
    let login = browser.get(server, path(&login)).await;
    let (csrf, handle) = (hidden(&login, "csrf_token"), hidden(&login, "handle"));
    for (token, typed, status) in [(CANARY, &*password, 403), (&*csrf, CANARY, 400)] {
        let pairs = [("csrf_token", token), ("handle", &handle), ("username", "erin"), ("password", typed)];
        silent(&browser.submit(server, "/login", &pairs).await, status, &[CANARY]);
    }
    // Somebody who types the password where the username belongs is shown what was typed, and nobody else is.
    let swapped = [("csrf_token", &*csrf), ("handle", &handle), ("username", &password), ("password", "erin")];
    assert_eq!(browser.submit(server, "/login", &swapped).await.status, 400);
    let pairs = [("csrf_token", &*csrf), ("handle", &handle), ("username", "erin"), ("password", &password)];
    let signed_in = browser.submit(server, "/login", &pairs).await;
    let consent = browser.get(server, path(&signed_in)).await;
    let again = hidden(&consent, "csrf_token");
    let session: Vec<String> = browser.cookies().map(str::to_owned).collect();
    assert!(session.len() >= 2, "the browser's and the session's");
    let forged = [("csrf_token", CANARY), ("handle", &handle), ("decision", "allow")];
    silent(&browser.submit(server, "/consent", &forged).await, 403, &[CANARY, &session[0], &session[1]]);
    let unknown = [("csrf_token", &*again), ("handle", CANARY), ("decision", "allow")];
    silent(&browser.submit(server, "/consent", &unknown).await, 400, &[CANARY, &session[0], &session[1]]);
    let good = [("csrf_token", &*again), ("handle", &handle), ("decision", "allow")];
    let decided = browser.submit(server, "/consent", &good).await;
    secrets.push(parameter(decided.header("location"), "code").unwrap());
    secrets.push(implicit(server, &mut browser).await);
    let page = browser.get(server, "/logout").await;
    secrets.push(hidden(&page, "csrf_token"));
    browser.submit(server, "/logout", &[("csrf_token", &hidden(&page, "csrf_token"))]).await;
    secrets.extend(session);
    secrets.extend([csrf, handle, again, password]);
}
