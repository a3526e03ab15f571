//! What is asked of the database, and what it answers.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::oneshot;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::store::StoreError;

/// How often a statement goes again because another one was in its way.
const RETRIES: usize = 5;

/// A value of a statement.
pub type Parameter = Box<dyn ToSql + Send + Sync>;

/// A grant's row.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Its workspace.
    pub workspace: [u8; 16],
    /// Its id.
    pub id: [u8; 16],
    /// Drawn for each change, so that who made one can tell it from another's.
    pub version: Vec<u8>,
    /// When it may be swept.
    pub sweep_at: i64,
    /// The record.
    pub record: Vec<u8>,
}

/// A replacement of a grant.
#[derive(Clone, Debug)]
pub struct Swap {
    /// The version that it must still have.
    pub was: Vec<u8>,
    /// What it becomes.
    pub row: GrantRow,
}

/// What is asked.
pub enum Work {
    /// Read a grant.
    Load {
        /// Its workspace.
        workspace: [u8; 16],
        /// Its id.
        id: [u8; 16],
    },
    /// Read a user and what they allowed a client.
    Standing {
        /// Their workspace.
        workspace: [u8; 16],
        /// The user.
        subject: String,
        /// The client.
        client: String,
    },
    /// Keep a new grant.
    Insert(GrantRow),
    /// Replace a grant.
    Swap(Swap),
    /// Replace a grant by its end, and tell the other replicas.
    Revoke(Swap),
    /// A statement of its own; one that is made for the occasion is not kept prepared.
    Call(Cow<'static, str>, Vec<Parameter>),
    /// Commands without values or answers.
    Script(String),
}

/// Those that may travel together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads of grants.
    Load,
    /// Reads of people and consents.
    Standing,
    /// New grants.
    Insert,
    /// Replacements.
    Swap,
    /// Ends.
    Revoke,
    /// Alone.
    Alone,
}

impl Work {
    /// With which others it may travel.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Load { .. } => Kind::Load,
            Self::Standing { .. } => Kind::Standing,
            Self::Insert(_) => Kind::Insert,
            Self::Swap(_) => Kind::Swap,
            Self::Revoke(_) => Kind::Revoke,
            Self::Call(..) | Self::Script(_) => Kind::Alone,
        }
    }

    /// The grant that it is about, when it is about one.
    #[must_use]
    pub fn grant(&self) -> Option<([u8; 16], [u8; 16])> {
        match self {
            Self::Load { workspace, id } => Some((*workspace, *id)),
            Self::Insert(row) | Self::Swap(Swap { row, .. }) | Self::Revoke(Swap { row, .. }) => Some((row.workspace, row.id)),
            Self::Standing { .. } | Self::Call(..) | Self::Script(_) => None,
        }
    }
}

/// What came of it.
pub enum Answer {
    /// A grant's version and record.
    Grant(Option<(Vec<u8>, Vec<u8>)>),
    /// The records of a user and of a consent.
    Standing(Option<Vec<u8>>, Option<Vec<u8>>),
    /// Whether the change happened.
    Changed(bool),
    /// What a statement returned.
    Rows(Vec<Row>),
}

/// An answer, and whether the request had been sent before over a connection that broke.
pub struct Answered {
    /// The answer of the last time.
    pub answer: Answer,
    /// Whether it may have happened before.
    pub repeated: bool,
}

/// How long somebody waits for an answer.
#[derive(Clone, Debug)]
pub struct Until {
    /// For one that may not have been sent at all.
    pub first: Instant,
    /// For one whose connection broke, so that its caller would otherwise hear that nobody knows what happened.
    pub last: Instant,
    doubted: Arc<AtomicBool>,
}

impl Until {
    /// From now on; once in doubt, three times as long.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        let after = |time: Duration| now.checked_add(time).unwrap_or(now);
        Self { first: after(timeout), last: after(timeout.saturating_mul(3)), doubted: Arc::default() }
    }

    /// Whether the connection that it was sent over broke.
    #[must_use]
    pub fn in_doubt(&self) -> bool {
        self.doubted.load(Ordering::Relaxed)
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn over(&self) -> bool {
        Instant::now() >= if self.in_doubt() { self.last } else { self.first }
    }
}

/// A request on its way.
pub struct Request {
    /// What is asked.
    pub work: Work,
    /// Whether it was sent before over a connection that broke.
    pub repeated: bool,
    /// Whether a batch left it out.
    pub alone: bool,
    until: Until,
    retries: ExponentialBackoff,
    answer: oneshot::Sender<Result<Answered, StoreError>>,
}

impl Request {
    /// A new request, and where its answer comes.
    #[must_use]
    pub fn new(work: Work, until: Until) -> (Self, oneshot::Receiver<Result<Answered, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        let retries = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(5))
            .with_max_delay(Duration::from_millis(200))
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        (Self { work, repeated: false, alone: false, until, retries, answer }, answered)
    }

    /// With which others it may travel.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.alone { Kind::Alone } else { self.work.kind() }
    }

    /// Whether nobody waits for it any more.
    #[must_use]
    pub fn over(&self) -> bool {
        self.until.over()
    }

    /// How long to wait before it goes again; `None` when it went often enough.
    pub fn delay(&mut self) -> Option<Duration> {
        self.retries.next()
    }

    /// The same, to travel alone.
    #[must_use]
    pub fn by_itself(mut self) -> Self {
        self.alone = true;
        self
    }

    /// The same, after it was sent over a connection that broke.
    #[must_use]
    pub fn in_doubt(mut self) -> Self {
        // One that breaks connections must not take others with it for ever.
        self.alone |= self.repeated;
        self.repeated = true;
        self.until.doubted.store(true, Ordering::Relaxed);
        self
    }

    /// Answers it.
    pub fn answer(self, answer: Answer) {
        // Who stopped waiting does not mind.
        let _ = self.answer.send(Ok(Answered { answer, repeated: self.repeated }));
    }

    /// Answers that it failed.
    pub fn fail(self, error: StoreError) {
        let _ = self.answer.send(Err(error));
    }
}
