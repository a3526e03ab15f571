//! The load: callers that ask again as soon as they are answered, over connections that stay open.
//!
//! It runs on one thread and speaks through hyper alone, so that it is cheaper than what it measures.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jeton::pb::v1::client_authentication::Method;
use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::{ClientAuthentication, ClientCredentialsGrant, ClientSecret, IssueTokenRequest, IssueTokenResponse};
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::server::{Credentials, SCOPE, Server};

/// As many as the design asks for.
pub const CALLERS: usize = 64;
/// Callers in a mesh share few connections.
const HTTP2_CONNECTIONS: usize = 4;

/// What answers a request for a token.
pub enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A server's address, and the one request that is sent to it.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
    protocol: Protocol,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    Rest,
}

impl Target {
    /// `jeton.v1.TokenService/IssueToken` with client_credentials.
    pub fn grpc(address: SocketAddr, credentials: &Credentials) -> Self {
        let Credentials { client_id, client_secret } = credentials.clone();
        let message = IssueTokenRequest {
            workspace: String::new(),
            client_authentication: Some(ClientAuthentication {
                method: Some(Method::ClientSecretBasic(ClientSecret { client_id, client_secret })),
            }),
            grant: Some(Grant::ClientCredentials(ClientCredentialsGrant { scope: SCOPE.to_owned() })),
        };
        let mut body = vec![0];
        body.extend_from_slice(&u32::try_from(message.encoded_len()).unwrap().to_be_bytes());
        message.encode(&mut body).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/grpc".parse().unwrap());
        headers.insert("te", "trailers".parse().unwrap());
        let uri = format!("http://{address}/jeton.v1.TokenService/IssueToken");
        Self { address, uri, headers, body: body.into(), protocol: Protocol::Grpc }
    }

    /// `POST /oauth2/token` with client_credentials.
    pub fn rest(address: SocketAddr, credentials: &Credentials) -> Self {
        let basic = STANDARD.encode(format!("{}:{}", credentials.client_id, credentials.client_secret));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, address.to_string().parse().unwrap());
        headers.insert(AUTHORIZATION, format!("Basic {basic}").parse().unwrap());
        headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        let body = format!("grant_type=client_credentials&scope={}", SCOPE.replace(' ', "+"));
        Self { address, uri: "/oauth2/token".to_owned(), headers, body: body.into(), protocol: Protocol::Rest }
    }

    /// One connection for each caller; over HTTP/2 they share.
    pub async fn connect(&self) -> Vec<Connection> {
        let mut connections = Vec::with_capacity(CALLERS);
        let mut shared: Vec<http2::SendRequest<Full<Bytes>>> = Vec::new();
        for caller in 0..CALLERS {
            connections.push(match (self.protocol, shared.get(caller % HTTP2_CONNECTIONS)) {
                (Protocol::Grpc, Some(connection)) => Connection::Http2(connection.clone()),
                (Protocol::Grpc, None) => {
                    let (sender, connection) = http2::handshake(TokioExecutor::new(), self.stream().await).await.unwrap();
                    tokio::spawn(connection);
                    shared.push(sender.clone());
                    Connection::Http2(sender)
                }
                (Protocol::Rest, _) => {
                    let (sender, connection) = http1::handshake(self.stream().await).await.unwrap();
                    tokio::spawn(connection);
                    Connection::Http1(sender)
                }
            });
        }
        connections
    }

    async fn stream(&self) -> TokioIo<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        TokioIo::new(stream)
    }

    /// Asks once, and makes sure that the answer is a token.
    pub async fn call(&self, connection: &mut Connection) -> Bytes {
        let mut request = Request::post(self.uri.as_str()).body(Full::new(self.body.clone())).unwrap();
        *request.headers_mut() = self.headers.clone();
        let response = match connection {
            Connection::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await
            }
            Connection::Http2(sender) => sender.send_request(request).await,
        };
        let response: http::Response<Incoming> = response.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap();
        let grpc_status = body.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
        let bytes = body.to_bytes();
        let answered = self.protocol == Protocol::Rest || grpc_status.as_ref().is_some_and(|status| status == "0");
        assert!(status == StatusCode::OK && answered, "no token: {status} {grpc_status:?} {bytes:?}");
        bytes
    }

    /// The access token of one call.
    pub async fn token(&self) -> String {
        let answer = self.call(&mut self.connect().await[0]).await;
        match self.protocol {
            Protocol::Grpc => IssueTokenResponse::decode(answer.slice(5..)).unwrap().access_token,
            Protocol::Rest => {
                serde_json::from_slice::<serde_json::Value>(&answer).unwrap()["access_token"].as_str().unwrap().into()
            }
        }
    }
}

/// What one segment cost a server.
#[derive(Clone, Copy)]
pub struct Cost {
    /// CPU time of the server for one token, in microseconds.
    pub cpu_us: f64,
    /// Tokens in a second.
    pub rate: f64,
}

/// A target with its open connections.
pub struct Load<'a> {
    server: &'a Server,
    target: Target,
    connections: Vec<Connection>,
}

impl<'a> Load<'a> {
    /// Connects the callers.
    pub async fn connect(server: &'a Server, target: Target) -> Self {
        let connections = target.connect().await;
        Self { server, target, connections }
    }

    /// Asks for so many tokens, every caller as fast as it is answered.
    pub async fn segment(&mut self, calls: usize) -> Cost {
        let (cpu, begun) = (self.server.cpu(), Instant::now());
        let left = Rc::new(Cell::new(calls));
        let callers = LocalSet::new();
        let mut tasks = Vec::with_capacity(CALLERS);
        for mut connection in self.connections.drain(..) {
            let (target, left) = (self.target.clone(), left.clone());
            tasks.push(callers.spawn_local(async move {
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    target.call(&mut connection).await;
                }
                connection
            }));
        }
        callers.await;
        let (elapsed, cpu) = (begun.elapsed(), self.server.cpu() - cpu);
        for task in tasks {
            self.connections.push(task.await.unwrap());
        }
        Cost { cpu_us: cpu.as_secs_f64() * 1e6 / calls as f64, rate: calls as f64 / elapsed.as_secs_f64() }
    }

    /// Asks at a fixed rate, whether or not answers come, and tells the 99th percentile of the time
    /// from when a call was due until it was answered.
    pub async fn open_loop(&mut self, rate: f64, length: Duration) -> Duration {
        let begun = Instant::now();
        let callers = LocalSet::new();
        let times = Rc::new(std::cell::RefCell::new(Vec::new()));
        let mut idle = Vec::new();
        for connection in &self.connections {
            // Only HTTP/2 connections carry more than one call.
            let Connection::Http2(sender) = connection else { panic!("an open loop needs HTTP/2") };
            idle.push(sender.clone());
        }
        let target = Rc::new(self.target.clone());
        callers
            .run_until(async {
                let mut tick = tokio::time::interval(Duration::from_millis(1));
                let mut sent = 0_usize;
                let mut tasks = Vec::new();
                while begun.elapsed() < length {
                    tick.tick().await;
                    // Calls that fell due since the last tick are late by what the clock says.
                    while (sent as f64) / rate <= begun.elapsed().as_secs_f64() {
                        let due = begun + Duration::from_secs_f64(sent as f64 / rate);
                        let mut connection = Connection::Http2(idle[sent % idle.len()].clone());
                        let (target, times) = (target.clone(), times.clone());
                        sent += 1;
                        tasks.push(tokio::task::spawn_local(async move {
                            target.call(&mut connection).await;
                            times.borrow_mut().push(due.elapsed());
                        }));
                    }
                }
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await;
        let mut times = times.take();
        times.sort();
        times[times.len() * 99 / 100]
    }
}
