//! From start to stop: what a start makes, what it serves, and how it ends.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::server::{Site, start};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_private_files_and_says_where() {
    let site = Site::new();
    let server = site.serve(&[]);
    let dir = site.data_dir();
    assert_eq!(mode(&dir), 0o700);
    for secret in ["master-key", "admin-token"] {
        assert_eq!(mode(&dir.join(secret)), 0o600, "{secret}");
    }
    assert_eq!(server.summary["data_dir"], dir.to_str().unwrap());
    assert_eq!(server.summary["admin_token_file"], dir.join("admin-token").to_str().unwrap());
    assert_eq!(server.summary["issuer"], server.http(""));
}

#[test]
fn the_first_start_tells_a_person_where_everything_is() {
    let site = Site::new();
    let starting = start(site.command(&["serve"]), &site.file("log"));
    let mut lines = String::new();
    while !lines.contains("operations") {
        lines += &(starting.line().unwrap() + "\n");
    }
    let dir = site.data_dir();
    for said in [&format!("made {}", dir.display()), &format!("admin token  {}/admin-token", dir.display()), "REST", "gRPC"] {
        assert!(lines.contains(said), "{said}: {lines}");
    }
}

/// DESIGN of a production server: nobody has a credential that the operator did not make.
#[test]
fn a_server_starts_without_clients_and_users() {
    let site = Site::new();
    let server = site.serve(&[]);
    assert!(server.summary.get("dev").is_none());
    assert_eq!(site.json(&["client", "list"]), serde_json::json!([]));
    assert_eq!(site.json(&["user", "list"]), serde_json::json!([]));
    let workspaces = site.json(&["workspace", "list"]);
    assert_eq!(workspaces.as_array().unwrap().len(), 1);
    assert_eq!(workspaces[0]["workspace"], "default");
    assert_eq!(workspaces[0]["issuer"], server.http(""));
}

#[tokio::test]
async fn operators_can_see_how_it_is() {
    let site = Site::new();
    let server = site.serve(&[]);
    for (path, body) in [("/livez", r#"{"status":"alive"}"#), ("/readyz", r#"{"status":"ready"}"#)] {
        let answer = reqwest::get(server.ops(path)).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, body));
    }
    let metrics = reqwest::get(server.ops("/metrics")).await.unwrap();
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let metrics = metrics.text().await.unwrap();
    for name in ["jeton_store_commits_total", "jeton_store_flush_duration_seconds_bucket", "jeton_sign_duration_seconds_bucket"] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name}: {metrics}");
    }
    assert_eq!(site.json(&["healthcheck"]), serde_json::json!({ "status": "serving" }));
    assert_eq!(reqwest::get(server.http("/metrics")).await.unwrap().status(), 404, "metrics are for operators");
}

/// A restart forgets nothing: clients, their secrets, and the keys that verify their tokens.
#[tokio::test]
async fn a_restart_goes_on_where_the_last_one_ended() {
    let site = Site::new();
    let server = site.serve(&[]);
    let client = service(&site);
    let keys = keys(&server.http("/oauth2/jwks")).await;
    assert!(server.stop().success());
    let server = site.serve(&[]);
    assert_eq!(token(&server.http("/oauth2/token"), &client).await["token_type"], "Bearer");
    assert_eq!(self::keys(&server.http("/oauth2/jwks")).await, keys);
}

async fn keys(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

fn service(site: &Site) -> Value {
    site.json(&["client", "create", "--name", "service", "--grant-type", "client_credentials", "--scope", "read write"])
}

async fn token(url: &str, client: &Value) -> Value {
    let request =
        reqwest::Client::new().post(url).basic_auth(client["client_id"].as_str().unwrap(), client["client_secret"].as_str());
    request.form(&[("grant_type", "client_credentials")]).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn sigterm_finishes_the_request_in_flight() {
    finishes_the_request_in_flight(Signal::TERM).await;
}

#[tokio::test]
async fn sigint_finishes_the_request_in_flight() {
    finishes_the_request_in_flight(Signal::INT).await;
}

async fn finishes_the_request_in_flight(signal: Signal) {
    let site = Site::new();
    let server = site.serve(&[]);
    let client = service(&site);
    let address = server.address("http");
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client["client_id"].as_str().unwrap(),
        client["client_secret"].as_str().unwrap()
    );
    let (first_half, second_half) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n{first_half}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "the server reads the body");

    server.signal(signal);
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(second_half.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""access_token":"ey"#), "{answer}");
    let log = server.log();
    assert_eq!(server.end().code(), Some(0), "{log}");
}

/// Who asks twice does not want to wait.
#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let site = Site::new();
    let server = site.serve(&["--set", "limits.drain_timeout_ms=300000", "--set", "limits.request_timeout_ms=300000"]);
    let address = server.address("http");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = "POST /oauth2/token HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 25]).await.unwrap();
    server.signal(Signal::INT);
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.signal(Signal::INT);
    assert_eq!(server.end().code(), Some(130));
}

#[test]
fn an_idle_server_stops_at_once() {
    let site = Site::new();
    let server = site.serve(&[]);
    let asked = std::time::Instant::now();
    assert_eq!(server.stop().code(), Some(0));
    assert!(asked.elapsed() < std::time::Duration::from_secs(5));
}
