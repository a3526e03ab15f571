//! What one process tells the others on the same store: the change feed.

use crate::types::ids::{ClientId, WorkspaceId};

/// How far a process has followed the feed.  Versions have no gaps and the order in which the changes
/// were committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedVersion(pub u64);

/// Something that is kept in memory changed.  It says what to read again, not what it has become, so
/// that applying it twice, or late, does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A workspace was made, replaced or deleted.
    Workspace(WorkspaceId),
    /// A signing key was made or removed.
    SigningKeys(WorkspaceId),
    /// A client was replaced or deleted.  One that was made is in nobody's memory yet.
    Client(WorkspaceId, ClientId),
}

/// A stretch of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Everything behind the version that was asked for, up to and with `upto`.
    Changes {
        /// In the order in which they were committed.
        changes: Vec<Change>,
        /// What to ask for next.
        upto: FeedVersion,
        /// Whether there is more already.
        more: bool,
    },
    /// The version that was asked for is too long ago: whatever is in memory may have changed.  Reading
    /// everything again, after asking for [`crate::store::Store::feed_version`], catches up.
    Lost,
}
