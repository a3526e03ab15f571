//! A network that fails on command, in front of a PostgreSQL server.
//!
//! It knows the frames of the protocol (PostgreSQL, "Message Formats"), so that what is lost is exactly one request, or
//! exactly the answer to one that the server has carried out.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The code of a request for TLS, which stands where a start-up message has its version.
const SSL_REQUEST: u32 = 80_877_103;

/// What gets lost of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The request itself: the server never sees it.
    Request,
    /// The answer: the server has done it.
    Answer,
}

/// A proxy, gone when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

struct Shared {
    /// Whether what is sent arrives.
    open: watch::Sender<bool>,
    /// How often every connection was cut.
    cuts: watch::Sender<u64>,
    /// What to lose next: of the request with these bytes in it.
    plan: Mutex<Option<(Lost, Vec<u8>)>>,
    losses: AtomicU64,
}

impl Proxy {
    /// Stands in front of a server.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            open: watch::Sender::new(true),
            cuts: watch::Sender::new(0),
            plan: Mutex::new(None),
            losses: AtomicU64::new(0),
        });
        let listener = tokio::spawn(accept(listener, server, Arc::clone(&shared)));
        Self { address, shared, listener }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Takes connections and what is sent, and passes nothing on.
    pub fn black_hole(&self) {
        self.shared.open.send_replace(false);
    }

    /// Passes on again, beginning with what was held back.
    pub fn heal(&self) {
        self.shared.open.send_replace(true);
    }

    /// Loses the next request that has these bytes among its parameters, or the answer to it, and cuts its connection.
    pub fn lose(&self, lost: Lost, of: &[u8]) {
        *self.shared.plan.lock().unwrap() = Some((lost, of.to_vec()));
    }

    /// How often something was lost as it was asked for.
    pub fn losses(&self) -> u64 {
        self.shared.losses.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let mut cuts = shared.cuts.subscribe();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            tokio::select! {
                _ = cuts.changed() => {}
                _ = connection(client, server, &shared) => {}
            }
        });
    }
}

async fn connection(mut client: TcpStream, server: SocketAddr, shared: &Shared) -> io::Result<()> {
    shared.pass().await;
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    start_up(&mut client, &mut server, shared).await?;
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    // The one after the start-up is asked for by no message.
    let (asked, cut_at) = (AtomicU64::new(1), AtomicU64::new(u64::MAX));
    tokio::select! {
        end = requests(client_reads, server_writes, shared, &asked, &cut_at) => end,
        end = answers(server_reads, client_writes, shared, &cut_at) => end,
    }
}

/// The messages without a type, which begin a connection.
async fn start_up(client: &mut TcpStream, server: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let message = frame(client, Vec::new()).await?;
        shared.pass().await;
        server.write_all(&message).await?;
        if message.get(4..8) != Some(&SSL_REQUEST.to_be_bytes()) {
            return Ok(());
        }
        let verdict = server.read_u8().await?;
        shared.pass().await;
        client.write_u8(verdict).await?;
    }
}

/// Passes requests on; `asked` counts the times that the server will say that it is ready for more.
async fn requests(
    client: ReadHalf<'_>,
    mut server: WriteHalf<'_>,
    shared: &Shared,
    asked: &AtomicU64,
    cut_at: &AtomicU64,
) -> io::Result<()> {
    let mut client = BufReader::new(client);
    loop {
        let kind = client.read_u8().await?;
        let message = frame(&mut client, vec![kind]).await?;
        shared.pass().await;
        match shared.loses(kind, &message) {
            Some(Lost::Request) => return Ok(()),
            Some(Lost::Answer) => cut_at.store(asked.load(Ordering::SeqCst) + 1, Ordering::SeqCst),
            None => {}
        }
        // Sync, and a simple query.
        if matches!(kind, b'S' | b'Q') {
            asked.fetch_add(1, Ordering::SeqCst);
        }
        server.write_all(&message).await?;
    }
}

/// Passes answers on, up to the one that gets lost.
async fn answers(server: ReadHalf<'_>, mut client: WriteHalf<'_>, shared: &Shared, cut_at: &AtomicU64) -> io::Result<()> {
    let mut server = BufReader::new(server);
    let mut ready = 0;
    loop {
        let kind = server.read_u8().await?;
        let message = frame(&mut server, vec![kind]).await?;
        shared.pass().await;
        let lost = ready + 1 == cut_at.load(Ordering::SeqCst);
        // ReadyForQuery: what was asked is done.
        if kind == b'Z' {
            ready += 1;
            if lost {
                shared.losses.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
        }
        if !lost {
            client.write_all(&message).await?;
        }
    }
}

/// The rest of a message: its length, which counts itself, and its body.
async fn frame(stream: &mut (impl AsyncRead + Unpin), mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    message.extend_from_slice(&length.to_be_bytes());
    let body = u64::from(length).checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    stream.take(body).read_to_end(&mut message).await?;
    Ok(message)
}

impl Shared {
    async fn pass(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }

    fn loses(&self, kind: u8, message: &[u8]) -> Option<Lost> {
        // Bind, which carries a statement's parameters, and a simple query.
        if !matches!(kind, b'B' | b'Q') {
            return None;
        }
        let mut plan = self.plan.lock().unwrap();
        let (_, of) = plan.as_ref()?;
        if !message.windows(of.len().max(1)).any(|part| part == of) {
            return None;
        }
        let (lost, _) = plan.take()?;
        if lost == Lost::Request {
            self.losses.fetch_add(1, Ordering::SeqCst);
        }
        Some(lost)
    }
}
