//! Moving a deployment from one store to another: the port of the two commands that do it.
//!
//! Apart from [`crate::store::Store`], which serves: a store is moved while nothing is served from it.  The source
//! is fenced for good before anything is read, so that of two stores with the same codes and refresh tokens at most
//! one is ever served from.

use std::fmt;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::types::time::UnixSeconds;

mod counts;
mod item;
mod kind;

pub use counts::Counts;
pub use item::{Item, Moved};
pub use kind::Kind;

/// A store that can be emptied into a dump, or filled from one.
#[async_trait]
pub trait Moving: Send + Sync {
    /// What the store is called in a dump's header.
    fn source(&self) -> &'static str;

    /// Marks the store as moved away, durably and for good: nothing serves from it again, and what serves now
    /// notices.  Answers the mark that stands, which is an earlier one if there was one.
    async fn fence(&self, fence: &Fence) -> Result<Fence, StoreError>;

    /// The mark, if the store was moved away.
    async fn fenced(&self) -> Result<Option<Fence>, StoreError>;

    /// How many records there are of each kind.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// Up to `limit` records of a kind behind `after`, in an order that stays the same while nothing is written.
    async fn page(&self, kind: Kind, after: Option<&Item>, limit: usize) -> Result<Vec<Item>, StoreError>;

    /// Takes the store for a dump, durably; until [`Moving::end_import`] nothing serves from it.  A repetition
    /// answers how far the import came.
    ///
    /// # Errors
    /// `Refused` when the store has anything in it that is not of this dump, or was moved away itself.
    async fn begin_import(&self, dump: DumpId) -> Result<Import, StoreError>;

    /// How far an import came, if there ever was one.
    async fn imported(&self) -> Result<Option<Import>, StoreError>;

    /// Keeps items of a dump, before which there are so many, `before`, and notes that they are kept.  Repeating a
    /// call changes nothing, nor does a call after the end, when the store is served from.
    ///
    /// # Errors
    /// `Refused` when a record is there already and differs: nothing is ever replaced.
    async fn put(&self, dump: DumpId, before: u64, items: &[Item]) -> Result<(), StoreError>;

    /// Ends an import: from now on the store serves.
    ///
    /// # Errors
    /// `Refused` when the store does not have just so many records; then it still does not serve.
    async fn end_import(&self, dump: DumpId, counts: &Counts) -> Result<(), StoreError>;
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be moved into: a store that was moved away is refused.
    MoveInto,
    /// To be moved away: it must exist, and be whole.
    MoveAway,
    /// To serve from: it must be whole, and not moved away.
    Serve,
}

/// Names a move, however often its dump is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpId(pub [u8; 16]);

impl fmt::Display for DumpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// That a store was moved away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The dump that was made of it.
    pub dump: DumpId,
    /// When.
    pub fenced_at: UnixSeconds,
    /// Where to, for a person.
    pub reason: String,
}

impl Fence {
    /// The refusal to serve from such a store; `place` says which one it is.
    #[must_use]
    pub fn refusal(&self, place: &str) -> StoreError {
        StoreError::Refused(format!(
            "{place} was moved away and serves no more: {}; serve from where its dump {} was imported",
            self.reason, self.dump
        ))
    }
}

/// How far a dump was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// Which dump.
    pub dump: DumpId,
    /// How many of its items are kept for sure.
    pub items: u64,
    /// Whether that is all of them.
    pub complete: bool,
}

impl Import {
    /// The refusal to serve from a store with an unfinished import; none when it is finished.
    ///
    /// # Errors
    /// That refusal.
    pub fn check_complete(&self, place: &str) -> Result<(), StoreError> {
        if self.complete {
            return Ok(());
        }
        Err(StoreError::Refused(format!(
            "the import into {place} was interrupted: run jeton import again with the same file (dump {})",
            self.dump
        )))
    }

    /// This import, gone on with; a dump that is not the one that the store was taken for is refused.
    ///
    /// # Errors
    /// That refusal.
    pub fn of(self, dump: DumpId, place: &str) -> Result<Self, StoreError> {
        if self.dump == dump {
            return Ok(self);
        }
        let began = if self.complete { "has records already, from" } else { "holds an unfinished import of" };
        Err(StoreError::Refused(format!(
            "{place} {began} dump {}, and this is dump {dump}: import into an empty store",
            self.dump
        )))
    }
}

/// The refusal of a target that is in use.
#[must_use]
pub fn not_empty(place: &str, counts: &Counts) -> StoreError {
    StoreError::Refused(format!(
        "{place} has records already ({counts}): import into an empty store, one that no server was started on"
    ))
}

/// The refusal of a record that differs from the one of the dump.
#[must_use]
pub fn differs(kind: Kind) -> StoreError {
    StoreError::Refused(format!(
        "the store has another record of {kind} where the dump has one, and nothing is replaced: import into an empty store"
    ))
}

/// The refusal to end an import that does not add up.
#[must_use]
pub fn wrong_counts(found: &Counts, counts: &Counts) -> StoreError {
    StoreError::Refused(format!(
        "the store has {found} after the import, but the dump has {counts}: import into another, empty store"
    ))
}

/// The refusal of items that others should have come before.
#[must_use]
pub fn gap(items: u64, before: u64) -> StoreError {
    StoreError::Refused(format!(
        "the store has {items} of the {before} records that come first in the dump: run jeton import again"
    ))
}

/// The refusal of a step of an import that another process has gone on with.
#[must_use]
pub fn overtaken() -> StoreError {
    StoreError::Refused("another jeton import works on the store: let it finish".to_owned())
}
