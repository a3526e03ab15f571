//! Connections to the database that counts.

use std::fmt::Write;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::lookup_host;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::config::Config;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use crate::store::StoreError;
use crate::store::postgres::options::PostgresOptions;
use crate::store::postgres::tls;
use crate::store::postgres::url::{DatabaseUrl, Place};

/// How long one server may take from the first packet to a session that can be used.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Said after connecting, because poolers refuse what they do not know in the first packet.
///
/// A batch of one costs three times as much when it is planned anew each time.  Nothing is compiled: of tables that
/// it has no statistics of, the server expects so many rows that it compiled each look at the feed, a second of CPU
/// for a third of a millisecond of work.  Every
/// statement finds its rows by a key, and a plan that was made while a table was empty must not read all of it for ever
/// after.  What waits longer than two seconds has lost its caller.  The warning that a commit did not wait for its
/// standby must arrive.
const SESSION: &str = "SET client_min_messages = warning; SET statement_timeout = '2s'; SET lock_timeout = '2s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET plan_cache_mode = force_generic_plan; \
     SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
     SET default_transaction_isolation = 'read committed'";

/// Makes connections.
pub(super) struct Connector {
    places: Vec<Place>,
    tls: Option<MakeRustlsConnect>,
    /// Where the last connection went: after a fail-over the others need not be waited for again.
    last: AtomicUsize,
}

/// A connection.  It ends when the client is dropped.
pub(super) struct Session {
    /// Sends statements.
    pub(super) client: Client,
    /// How many warnings the server sent, counted before the answer that they belong to is given.  A wait for
    /// the synchronous standby that was cancelled is only a warning: the answer must not be trusted then.
    pub(super) warnings: Arc<AtomicU64>,
    /// Counts notifications.
    pub(super) notified: watch::Receiver<u64>,
}

/// Why one server is not the one.
enum Missed {
    /// It may be later.
    ForNow(String),
    /// Somebody must change something.
    ForGood(String),
}

impl Connector {
    /// Reads where and how to connect.
    ///
    /// # Errors
    /// `Refused` for a URL or authorities that cannot be used.
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let refused = |problem| StoreError::Refused(format!("the URL of the database {problem}"));
        let mut url = DatabaseUrl::parse(&options.url).map_err(refused)?;
        let tls = tls::connector(&url, options.authorities.as_deref())?;
        for place in &mut url.places {
            options.password.iter().for_each(|password| {
                place.config.password(password.expose_secret());
            });
        }
        Ok(Self { places: url.places, tls, last: AtomicUsize::new(0) })
    }

    /// Connects to the first server that takes writes, beginning with the one that did the last time.
    ///
    /// # Errors
    /// `Refused` when no server will ever do as things are, else `Unavailable`; with the reason for each.
    pub(super) async fn connect(&self) -> Result<Session, StoreError> {
        let (mut reasons, mut hope) = (String::new(), false);
        let last = self.last.load(Ordering::Relaxed);
        let order = (0..self.places.len()).map(|at| at.wrapping_add(last).checked_rem(self.places.len()).unwrap_or(0));
        for at in order {
            let Some(place) = self.places.get(at) else { continue };
            for config in resolve(place).await {
                match self.attempt(place, config).await {
                    Ok(session) => {
                        self.last.store(at, Ordering::Relaxed);
                        return Ok(session);
                    }
                    Err(missed) => {
                        let (reason, passes) = match missed {
                            Missed::ForNow(reason) => (reason, true),
                            Missed::ForGood(reason) => (reason, false),
                        };
                        hope |= passes;
                        let separator = if reasons.is_empty() { "" } else { "; " };
                        // Writing to a text does not fail.
                        let _ = write!(reasons, "{separator}{}: {reason}", shown(place));
                    }
                }
            }
        }
        let sentence = format!("no connection to the database: {reasons}");
        Err(if hope { StoreError::Unavailable(sentence) } else { StoreError::Refused(sentence) })
    }

    async fn attempt(&self, place: &Place, config: Result<Config, Missed>) -> Result<Session, Missed> {
        let config = config?;
        let opened = timeout(ATTEMPT, async {
            match self.tls.as_ref().filter(|_| place.secure()) {
                Some(tls) => open(&config, tls.clone()).await,
                None => open(&config, NoTls).await,
            }
        });
        match opened.await {
            Ok(session) => session.map_err(|error| missed(&error)),
            Err(_) => Err(Missed::ForNow(format!("no answer within {} seconds", ATTEMPT.as_secs()))),
        }
    }
}

/// The addresses of a place, each to be tried.
async fn resolve(place: &Place) -> Vec<Result<Config, Missed>> {
    let Some(host) = place.host.as_deref().filter(|_| !place.resolved) else { return vec![Ok(place.config.clone())] };
    let at = |address: IpAddr| {
        let mut config = place.config.clone();
        config.hostaddr(address);
        Ok(config)
    };
    match timeout(ATTEMPT, lookup_host((host, place.port))).await {
        Ok(Ok(addresses)) => {
            let found: Vec<_> = addresses.map(|address| at(address.ip())).collect();
            if found.is_empty() { vec![Err(Missed::ForNow("the name has no address".to_owned()))] } else { found }
        }
        Ok(Err(cause)) => vec![Err(Missed::ForNow(format!("the name cannot be looked up: {cause}")))],
        Err(_) => vec![Err(Missed::ForNow("the name cannot be looked up: no answer".to_owned()))],
    }
}

fn shown(place: &Place) -> String {
    match &place.host {
        Some(host) => format!("{host}:{}", place.port),
        None => format!("the socket of port {}", place.port),
    }
}

async fn open<T>(config: &Config, tls: T) -> Result<Session, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    let warnings = Arc::new(AtomicU64::new(0));
    let (notify, notified) = watch::channel(0);
    tokio::spawn(follow(connection, Arc::clone(&warnings), notify));
    client.batch_execute(SESSION).await?;
    Ok(Session { client, warnings, notified })
}

/// Carries a connection until it ends.
async fn follow<S, T>(mut connection: Connection<S, T>, warnings: Arc<AtomicU64>, notify: watch::Sender<u64>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                // A server that translates its messages still says the severity in English beside it.
                let wait = notice.routine().is_none_or(|routine| routine == "SyncRepWaitForLSN");
                if wait && notice.parsed_severity() == Some(Severity::Warning) {
                    warnings.fetch_add(1, Ordering::SeqCst);
                    debug!(code = notice.code().code(), message = notice.message(), "the database warns");
                }
            }
            Ok(AsyncMessage::Notification(_)) => notify.send_modify(|count| *count = count.wrapping_add(1)),
            Ok(_) => {}
            Err(error) => {
                debug!(cause = describe(&error), "a connection to the database broke");
                return;
            }
        }
    }
}

/// What to do about a server that cannot be used.
fn missed(error: &Error) -> Missed {
    let cause = describe(error);
    let refused_credentials = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
    if error.code().is_some_and(|code| refused_credentials.contains(code)) {
        return Missed::ForGood(format!("{cause}; check the user in store.kind and the password in store.password_file"));
    }
    if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) {
        return Missed::ForGood(format!("{cause}; create it, or name another one in store.kind"));
    }
    match error.to_string().as_str() {
        "error performing TLS handshake" if cause.contains("does not support TLS") => {
            Missed::ForGood(format!("{cause}; switch TLS on there, or say sslmode=disable where nobody can listen"))
        }
        "error performing TLS handshake" if cause.contains("certificate") => {
            Missed::ForGood(format!("{cause}; store.ca_file names the authority, and the certificate must be for that name"))
        }
        "invalid configuration" => Missed::ForGood(format!("{cause}; set store.password_file")),
        _ if cause.contains("does not allow writes") => Missed::ForNow("a standby, which takes no writes".to_owned()),
        _ => Missed::ForNow(cause),
    }
}

/// The error with its causes.  The server's sentences name users and databases, never passwords.
pub(super) fn describe(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        // Writing to a text does not fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
