//! The accept loop: what a connection may hold, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jeton::grpc::facts::Peer;
use jeton::server::listener::{Limits, Listener, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(5);

struct Served {
    address: SocketAddr,
    entered: Arc<Notify>,
    release: Arc<Notify>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(limits: Limits) -> Self {
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (enter, wait) = (entered.clone(), release.clone());
        let slow = async move || {
            enter.notify_one();
            wait.notified().await;
            "done"
        };
        let peer = async |Extension(Peer(peer)): Extension<Peer>| peer.to_string();
        let router = Router::new().route("/", get(async || "hello")).route("/slow", get(slow)).route("/peer", get(peer));
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr();
        let (shutdown, watch) = watch::channel(false);
        let task = tokio::spawn(listener.serve(router, limits, watch));
        Self { address, entered, release, shutdown, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        ask(&mut stream, path).await;
        rest(&mut stream).await
    }
}

fn short() -> Limits {
    Limits { first_byte: SHORT, first_head: SHORT, drain: Duration::from_secs(2), ..Limits::default() }
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// Everything until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is as good a close as any.
    let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server closes the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn closed_within(stream: &mut TcpStream, least: Duration, most: Duration) {
    let start = Instant::now();
    rest(stream).await;
    assert!((least..most).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let served = Served::start(short()).await;
    let mut stream = served.connect().await;
    closed_within(&mut stream, SHORT / 2, LONG).await;
}

#[tokio::test]
async fn half_a_head_and_half_a_preface_are_closed() {
    let served = Served::start(short()).await;
    for sent in ["G", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost: loc", "POST /"] {
        let mut stream = served.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        closed_within(&mut stream, SHORT / 2, LONG).await;
    }
}

#[tokio::test]
async fn a_connection_between_requests_may_wait_longer_than_for_its_first() {
    let served = Served::start(Limits { idle: SHORT * 4, ..short() }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    closed_within(&mut stream, SHORT * 3, LONG).await;
}

#[tokio::test]
async fn a_connection_that_pauses_within_its_limits_is_served() {
    let served = Served::start(Limits { first_byte: LONG, first_head: LONG, ..Limits::default() }).await;
    let mut stream = served.connect().await;
    for part in ["P", "OST /none HTTP/1.1\r\nHo", "st: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"] {
        stream.write_all(part.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn a_request_knows_its_caller() {
    let served = Served::start(short()).await;
    let mut stream = served.connect().await;
    let mine = stream.local_addr().unwrap().ip().to_string();
    ask(&mut stream, "/peer").await;
    assert!(rest(&mut stream).await.ends_with(&mine));
}

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_end() {
    let served = Served::start(short()).await;
    let mut stream = served.connect().await;
    ask(&mut stream, "/slow").await;
    served.entered.notified().await;
    served.shutdown.send(true).unwrap();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!served.task.is_finished());
    served.release.notify_one();
    assert!(rest(&mut stream).await.ends_with("done"));
    timeout(LONG, served.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_end() {
    let served = Served::start(Limits::default()).await;
    let mut kept = served.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    kept.read_exact(&mut answer).await.unwrap();
    let _silent = served.connect().await;
    served.shutdown.send(true).unwrap();
    timeout(Duration::from_secs(2), served.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_at_the_limit() {
    let served = Served::start(Limits { drain: SHORT, ..short() }).await;
    let mut stream = served.connect().await;
    ask(&mut stream, "/slow").await;
    served.entered.notified().await;
    served.shutdown.send(true).unwrap();
    timeout(LONG, served.task).await.unwrap().unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

/// O2: nothing that a caller sends ends the accept loop.
#[tokio::test]
async fn garbage_does_not_stop_accepting() {
    let served = Served::start(short()).await;
    for garbage in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\0\0\0\0", b"\r\n\r\n\r\n", b"GET\r\n\r\n", &[0xff; 4096]] {
        let mut stream = served.connect().await;
        let _ = stream.write_all(garbage).await;
        drop(stream);
    }
    let mut bad_frames = served.connect().await;
    bad_frames.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthese are no frames").await.unwrap();
    rest(&mut bad_frames).await;
    assert!(served.get("/").await.ends_with("hello"));
}

/// Asks over a connection that speaks HTTP/2 from its first byte.
async fn connect_http2(served: &Served) -> hyper::client::conn::http2::SendRequest<Body> {
    let stream = TokioIo::new(served.connect().await);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn text(response: http::Response<hyper::body::Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn request(path: &str) -> Request<Body> {
    Request::get(format!("http://localhost{path}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn http_2_is_spoken_by_prior_knowledge() {
    for protocol in [Protocol::Any, Protocol::Http2] {
        let served = Served::start(Limits { protocol, ..short() }).await;
        let mut sender = connect_http2(&served).await;
        assert_eq!(text(sender.send_request(request("/")).await.unwrap()).await, "hello");
    }
}

#[tokio::test]
async fn a_stream_in_flight_is_finished_before_the_end() {
    let served = Served::start(short()).await;
    let mut sender = connect_http2(&served).await;
    let asked = tokio::spawn(sender.send_request(request("/slow")));
    served.entered.notified().await;
    served.shutdown.send(true).unwrap();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!served.task.is_finished());
    served.release.notify_one();
    assert_eq!(text(asked.await.unwrap().unwrap()).await, "done");
    timeout(LONG, served.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_http_2_caller_may_connect_long_before_it_asks() {
    let served = Served::start(short()).await;
    let mut sender = connect_http2(&served).await;
    assert!(timeout(SHORT * 3, sender.ready()).await.unwrap().is_ok());
    tokio::time::timeout(SHORT * 3, std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(text(sender.send_request(request("/")).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn an_http_2_caller_that_answers_no_ping_is_closed() {
    let served = Served::start(Limits { ping_interval: SHORT, ping_timeout: SHORT, ..short() }).await;
    let mut stream = served.connect().await;
    let no_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&no_settings).await.unwrap();
    closed_within(&mut stream, SHORT, LONG).await;
}

#[tokio::test]
async fn a_port_for_grpc_does_not_speak_http_1() {
    let served = Served::start(Limits { protocol: Protocol::Http2, ..short() }).await;
    assert_eq!(served.get("/").await, "");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_slot() {
    let served = Served::start(Limits { connections: 1, ..short() }).await;
    let mut first = served.connect().await;
    ask(&mut first, "/slow").await;
    served.entered.notified().await;
    let mut second = served.connect().await;
    ask(&mut second, "/").await;
    assert!(timeout(SHORT, second.readable()).await.is_err(), "the second connection waits");
    served.release.notify_one();
    assert!(rest(&mut first).await.ends_with("done"));
    assert!(rest(&mut second).await.ends_with("hello"));
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end() {
    let served = Served::start(Limits { age: SHORT, ..short() }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    closed_within(&mut stream, SHORT / 2, LONG).await;
}
