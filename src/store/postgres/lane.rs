//! A lane: one connection that takes what waits, and is opened anew for as long as the store is open.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::store::StoreError;
use crate::store::postgres::connect::{Connector, Session};
use crate::store::postgres::fault::Fault;
use crate::store::postgres::queue::Queue;
use crate::store::postgres::request::Request;
use crate::store::postgres::run::Connection;
use crate::store::postgres::server_settings;
use crate::types::time::Clock;

/// The longest that a statement is waited for.
const MOST_PATIENCE: Duration = Duration::from_secs(300);

/// Between attempts to connect.
fn delays() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
        .with_jitter()
        .build()
}

/// How a connection ended.
struct End {
    why: String,
    /// Whether anything was answered over it.
    answered: bool,
    /// Whether the server was there and gave no answer.
    silent: bool,
}

/// What a lane works with.
#[derive(Clone)]
pub struct Lane {
    /// Where the requests wait.
    pub queue: Arc<Queue>,
    /// Makes the connections.
    pub connector: Arc<Connector>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// A statement without an answer for so long is in doubt.
    pub patience: Duration,
}

impl Lane {
    /// Serves until the queue is closed and empty.
    pub async fn serve(self) {
        let mut delays = delays();
        let mut patience = self.patience;
        loop {
            // Before connecting: what breaks meanwhile counts.
            let epoch = self.queue.epoch();
            let Some(connection) = self.connect(patience).await else { return };
            self.queue.connected();
            metrics::gauge!("jeton_store_connections").increment(1.0);
            let ended = self.work(connection, epoch).await;
            metrics::gauge!("jeton_store_connections").decrement(1.0);
            let Some(End { why, answered, silent }) = ended else { return };
            self.queue.disconnected(&why);
            tracing::warn!(why, "a connection to PostgreSQL is gone; opening another");
            // A server whose standby is away keeps what was given up: each is waited for longer than the one before.
            patience = if silent { patience.saturating_mul(2).min(MOST_PATIENCE) } else { self.patience };
            if answered {
                delays = self::delays();
            } else if let Some(delay) = delays.next() {
                tokio::time::sleep(delay).await;
            }
        }
    }

    /// A connection, however long it takes; `None` once the store is closed.
    async fn connect(&self, patience: Duration) -> Option<Connection> {
        for delay in delays() {
            match self.session().await {
                Ok(session) => return Some(Connection::new(session, Arc::clone(&self.clock), patience)),
                Err(error) => self.queue.unreachable(&error.to_string()),
            }
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.queue.closed() => return None,
            }
        }
        None
    }

    /// The server that took over must keep what it acknowledges too.
    async fn session(&self) -> Result<Session, StoreError> {
        let session = self.connector.connect().await?;
        server_settings::check(&session.client).await?;
        Ok(session)
    }

    /// Works until the connection is of no use; `None` when there is nothing left to do.
    async fn work(&self, mut connection: Connection, epoch: u64) -> Option<End> {
        let mut answered = false;
        loop {
            let requests = self.queue.take().await?;
            if connection.broken() || self.queue.epoch() != epoch {
                let why = if connection.broken() { "it was closed" } else { "another one broke" };
                self.queue.put_back(requests);
                return Some(End { why: why.to_owned(), answered: true, silent: false });
            }
            match connection.run(requests).await {
                Ok(left) => {
                    answered = true;
                    self.queue.put_back(left.into_iter().map(Request::by_itself).collect());
                }
                Err((fault, requests)) => {
                    let silent = matches!(fault, Fault::Silent(_));
                    if let Some(why) = self.failed(fault, requests) {
                        return Some(End { why, answered, silent });
                    }
                }
            }
        }
    }

    /// What follows from a fault; why, when the connection is of no use any more.
    fn failed(&self, fault: Fault, requests: Vec<Request>) -> Option<String> {
        match fault {
            Fault::Retry(why) => {
                metrics::counter!("jeton_store_retries_total").increment(1);
                for mut request in requests {
                    // What was in the way of a batch may have been in the way of one of them only.
                    request.alone = true;
                    match request.delay() {
                        Some(delay) => self.later(request, delay),
                        None => request.fail(StoreError::Unavailable(format!("others were in the way again and again: {why}"))),
                    }
                }
                None
            }
            Fault::Stale(why) => {
                for mut request in requests {
                    match request.delay() {
                        Some(_) => self.queue.put_back(vec![request]),
                        None => request.fail(StoreError::Unavailable(why.clone())),
                    }
                }
                None
            }
            Fault::Refused(why) => {
                let alone = requests.len() == 1;
                for request in requests {
                    // One of many may be at fault: each hears its own answer.
                    if alone {
                        tracing::debug!(why, "PostgreSQL refused a statement");
                        request.fail(StoreError::Unavailable(format!("PostgreSQL refused: {why}")));
                    } else {
                        self.queue.put_back(vec![request.by_itself()]);
                    }
                }
                None
            }
            Fault::NotPrimary(why) => {
                self.queue.broke();
                self.queue.put_back(requests);
                Some(why)
            }
            Fault::InDoubt(why) | Fault::Silent(why) => {
                self.queue.broke();
                metrics::counter!("jeton_store_in_doubt_total").increment(requests.len() as u64);
                self.queue.put_back(requests.into_iter().map(|request| request.in_doubt()).collect());
                Some(why)
            }
        }
    }

    fn later(&self, request: Request, delay: Duration) {
        let queue = Arc::clone(&self.queue);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            queue.put_back(vec![request]);
        });
    }
}
