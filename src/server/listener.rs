//! The accept loop of every port: bounds on what a connection may hold, and a graceful end.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::Service;
use tracing::{debug, info, warn};

use crate::grpc::facts::Peer;

/// How HTTP/2 connections begin (RFC 9113 section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The smallest buffer that hyper accepts.
const MIN_HTTP1_BUFFER: usize = 8192;

/// How long to wait when the system gives no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Which versions of HTTP a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, and HTTP/2 by prior knowledge.
    Any,
    /// HTTP/2 by prior knowledge alone, for gRPC.
    Http2,
}

/// What one port allows its callers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Which versions of HTTP are spoken.
    pub protocol: Protocol,
    /// Connections at one time; further ones wait in the kernel's queue.
    pub connections: u32,
    /// How long a connection may take until it has said which version it speaks.
    pub first_byte: Duration,
    /// How long the first request's head may take over HTTP/1.
    pub first_head: Duration,
    /// How long an HTTP/1 connection may wait for its next request.  Longer than the 60 s after which
    /// common proxies drop theirs, or they would send requests into a connection that just closed.
    pub idle: Duration,
    /// Requests at one time on an HTTP/2 connection.
    pub streams: u32,
    /// Bytes of a request's head.
    pub head_bytes: u32,
    /// How often an HTTP/2 peer is asked whether it is there.
    pub ping_interval: Duration,
    /// How long it may take to answer.
    pub ping_timeout: Duration,
    /// When a connection is asked to end, give or take a tenth, so that long-lived callers spread over
    /// new replicas.
    pub age: Duration,
    /// How long requests in flight may take to finish after a connection was asked to end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            protocol: Protocol::Any,
            connections: 4096,
            first_byte: Duration::from_secs(5),
            first_head: Duration::from_secs(5),
            idle: Duration::from_secs(75),
            streams: 100,
            head_bytes: 16 * 1024,
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(10),
            age: Duration::from_secs(30 * 60),
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// For gRPC: callers in a mesh share few connections, so that each carries many requests.
    #[must_use]
    pub fn for_grpc() -> Self {
        Self { protocol: Protocol::Http2, streams: 1000, ..Self::default() }
    }
}

/// A bound port that does not accept yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds a port; 0 lets the system choose.
    ///
    /// # Errors
    /// When the address is in use or not one of this machine.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it is bound, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` turns true (or its sender is gone); then takes no new connection, lets
    /// the requests in flight finish within `limits.drain`, and returns.
    ///
    /// Each request carries its caller's address as [`Peer`].
    pub async fn serve(self, router: Router, limits: Limits, shutdown: watch::Receiver<bool>) {
        let all = limits.connections;
        let drain = limits.drain;
        let slots = Arc::new(Semaphore::new(all as usize));
        let port = Arc::new(Port::new(router, limits));
        let mut accepted: u64 = 0;
        let mut stop = pin!(stopped(shutdown.clone()));
        loop {
            let (slot, stream, peer) = tokio::select! {
                biased;
                () = stop.as_mut() => break,
                next = accept(&self.socket, &slots) => next,
            };
            accepted = accepted.wrapping_add(1);
            let (port, shutdown) = (port.clone(), shutdown.clone());
            tokio::spawn(async move {
                port.serve(stream, peer, accepted, shutdown).await;
                drop(slot);
            });
        }
        drop(self.socket);
        // Every connection holds a slot: when all are free, all have ended.
        if timeout(drain, slots.acquire_many(all)).await.is_err() {
            let cut = (all as usize).saturating_sub(slots.available_permits());
            warn!(address = %self.address, connections = cut, "connections were cut, their requests took too long");
        } else {
            info!(address = %self.address, "every connection has ended");
        }
    }
}

/// Waits for a free slot and then for a connection to fill it.  Outlives every error: a listener
/// that ends at a burst of connections takes the service with it.
async fn accept(socket: &TcpListener, slots: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            // Cannot happen: nobody closes the semaphore.
            std::future::pending::<()>().await;
            continue;
        };
        match socket.accept().await {
            Ok((stream, peer)) => return (slot, stream, peer),
            Err(error) if of_one_connection(&error) => debug!(%error, "a connection was gone before it was accepted"),
            Err(error) => {
                // Out of file descriptors, or memory: waiting lets connections end and give some back.
                warn!(%error, "no connection can be accepted at present");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn stopped(mut shutdown: watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends the server too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// What the connections of one port share.
struct Port {
    router: Router,
    limits: Limits,
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
}

enum Version {
    Http1,
    Http2,
}

impl Port {
    fn new(router: Router, limits: Limits) -> Self {
        let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
        http1
            .http1()
            .timer(TokioTimer::new())
            // hyper measures it from the end of the request before.
            .header_read_timeout(limits.idle)
            .max_buf_size(usize::try_from(limits.head_bytes).unwrap_or(usize::MAX).max(MIN_HTTP1_BUFFER));
        let mut http2 = Builder::new(TokioExecutor::new()).http2_only();
        http2
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.ping_interval)
            .keep_alive_timeout(limits.ping_timeout)
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.head_bytes)
            // The largest body that anything here reads: what comes beyond it is not buffered.
            .initial_stream_window_size(64 * 1024)
            // CVE-2023-44487: streams that are opened only to be reset.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(1024);
        // Makes each clone of the router cheap.
        Self { router: router.with_state(()), limits, http1, http2 }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, number: u64, shutdown: watch::Receiver<bool>) {
        let mut stop = pin!(stopped(shutdown));
        let sniffed = tokio::select! {
            biased;
            () = stop.as_mut() => return,
            sniffed = timeout(self.limits.first_byte, sniff(&stream)) => sniffed,
        };
        let builder = match (sniffed, self.limits.protocol) {
            (Ok(Some(Version::Http1)), Protocol::Any) => &self.http1,
            (Ok(Some(Version::Http2)), Protocol::Any | Protocol::Http2) => &self.http2,
            (Ok(Some(Version::Http1)), Protocol::Http2) | (Ok(None) | Err(_), Protocol::Any | Protocol::Http2) => return,
        };
        // Small answers must not wait for more to send.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "a connection was gone before its first request");
            return;
        }
        let reached = AtomicBool::new(false);
        let requests = Requests { router: self.router.clone(), peer, reached: &reached };
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), requests));

        let first_head = async {
            // HTTP/2 callers may connect long before they ask; pings find those that are gone.
            if builder.is_http1_available() {
                sleep(self.limits.first_head).await;
                if !reached.load(Ordering::Relaxed) {
                    return;
                }
            }
            std::future::pending().await
        };
        let end = async {
            tokio::select! {
                () = stop.as_mut() => {}
                () = sleep(jittered(self.limits.age, number)) => {}
            }
        };
        tokio::select! {
            biased;
            ended = connection.as_mut() => return log(ended),
            () = first_head => return,
            () = end => {}
        }
        connection.as_mut().graceful_shutdown();
        if let Ok(ended) = timeout(self.limits.drain, connection).await {
            log(ended);
        }
    }
}

/// Why a connection ended is the caller's affair, unless someone looks for it.
fn log(ended: Result<(), Box<dyn Error + Send + Sync>>) {
    if let Err(error) = ended {
        debug!(error = &*error as &dyn Error, "a connection ended early");
    }
}

/// Says which version a connection speaks, without taking a byte; `None` when it was closed.
async fn sniff(stream: &TcpStream) -> Option<Version> {
    let mut seen = [0; HTTP2_PREFACE.len()];
    let mut pause = Duration::from_millis(1);
    loop {
        let count = stream.peek(&mut seen).await.ok().filter(|count| *count > 0)?;
        let seen = seen.get(..count)?;
        if seen == HTTP2_PREFACE {
            return Some(Version::Http2);
        }
        if !HTTP2_PREFACE.starts_with(seen) {
            return Some(Version::Http1);
        }
        // A preface in pieces: nothing wakes a second peek, so look again, ever more seldom.
        sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}

/// `age`, a tenth more or less.  Steps of the golden ratio spread any run of numbers evenly.
fn jittered(age: Duration, number: u64) -> Duration {
    let fraction = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let spread = ((age / 5).as_millis() * u128::from(fraction)) >> 32;
    let later = Duration::from_millis(u64::try_from(spread).unwrap_or(u64::MAX));
    age.saturating_sub(age / 10).saturating_add(later)
}

/// The requests of one connection.
struct Requests<'a> {
    router: Router,
    peer: SocketAddr,
    reached: &'a AtomicBool,
}

impl hyper::service::Service<Request<Incoming>> for Requests<'_> {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.reached.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(self.peer.ip().to_canonical()));
        self.router.clone().call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most_and_spread_evenly() {
        let age = Duration::from_secs(1000);
        let ages: Vec<u64> = (0..100).map(|number| jittered(age, number).as_secs()).collect();
        assert!(ages.iter().all(|age| (900..=1100).contains(age)));
        for decile in 0..10 {
            let (from, until) = (900 + decile * 20, 920 + decile * 20);
            let inside = ages.iter().filter(|age| (from..until).contains(*age)).count();
            assert!((5..=15).contains(&inside), "{inside} of 100 ages are between {from} and {until}");
        }
        assert!(jittered(Duration::MAX, u64::MAX) > age);
    }
}
