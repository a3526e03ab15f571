//! Following the change feed: marks go into memory, the rest is for the engine.
//!
//! Each look is a write too: the replica notes that it was seen.  A commit needs the server that counts, with its
//! standby where there is one, so that a replica that still talks to a primary which was replaced hears
//! nothing instead of hearing that nothing changed.

use std::sync::atomic::Ordering;

use crate::store::feed::{Feed, FeedVersion};
use crate::store::postgres::base::{Base, column};
use crate::store::postgres::changes::{ChangeKind, ChangeRow, KEPT_SECONDS};
use crate::store::postgres::request::Parameter;
use crate::store::postgres::value::count;
use crate::store::{Health, StoreError};
use crate::types::ids::WorkspaceId;
use crate::types::time::{UnixMillis, UnixSeconds};

/// `$1` replica, `$2` now, `$3` the version to begin behind, `$4` limit.
const FOLLOW: &str = "\
WITH seen AS (
    INSERT INTO replicas (id, seen_at, version) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, version = excluded.version)
SELECT f.version, f.pruned, s.fenced, c.version, c.at, c.kind, c.workspace, c.key, c.value,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM (SELECT version, pruned FROM feed LIMIT 1) f CROSS JOIN (SELECT fenced FROM schema_info LIMIT 1) s
LEFT JOIN LATERAL (
    SELECT version, at, kind, workspace, key, value FROM changes WHERE version > $3 ORDER BY version LIMIT $4) c ON true
ORDER BY c.version";

/// A page of the marks that still say something, and where the feed is.  `$1` the version to begin behind, `$2` since when.
const MARKS: &str = "\
SELECT f.version, f.pruned, s.fenced, c.version, c.at, c.kind, c.workspace, c.key, c.value
FROM (SELECT version, pruned FROM feed LIMIT 1) f CROSS JOIN (SELECT fenced FROM schema_info LIMIT 1) s
LEFT JOIN LATERAL (
    SELECT version, at, kind, workspace, key, value FROM changes
    WHERE version > $1 AND at > $2 AND kind >= 10 ORDER BY version LIMIT 10000) c ON true
ORDER BY c.version";

/// Beyond it, somebody should mend a clock.
const CLOCK_TOLERANCE_MILLIS: i64 = 1000;

/// A look at the feed.
struct Look {
    head: u64,
    pruned: u64,
    rows: Vec<(u64, UnixSeconds, ChangeRow)>,
    /// How many rows there were, those of a newer jeton too.
    seen: usize,
    last: u64,
    /// The database's clock.
    server_time: Option<UnixMillis>,
}

impl Base {
    /// Reads every mark.  Whoever asks next is told what came after.
    pub(super) async fn load_marks(&self) -> Result<u64, StoreError> {
        let _following = self.following.lock().await;
        self.reload(false).await
    }

    pub(super) async fn follow(&self, after: FeedVersion, limit: usize) -> Result<Feed, StoreError> {
        let _following = self.following.lock().await;
        let followed = self.followed.load(Ordering::SeqCst);
        let from = after.0.min(followed);
        let from_value = i64::try_from(from).unwrap_or(i64::MAX);
        let asked = self.clock.now();
        let now = asked.seconds();
        let values: Vec<Parameter> =
            vec![Box::new(self.replica.to_vec()), Box::new(now.0), Box::new(from_value), count(limit.max(1))];
        let look = self.look(FOLLOW, values).await?;
        self.compare_clocks(asked, look.server_time);
        if look.head < followed {
            // The database lost what it had acknowledged: versions mean something else from here on.
            tracing::error!(had = followed, has = look.head, "the feed is shorter than it was: the database went back in time");
        }
        if followed < look.pruned || look.head < followed {
            self.reload(look.head < followed).await?;
        }
        if after.0 < look.pruned || after.0 > look.head {
            return Ok(Feed::Lost);
        }
        for (version, at, row) in &look.rows {
            if *version > followed {
                self.marks.apply(row, *version, *at);
            }
        }
        let more = look.seen >= limit.max(1) && look.last < look.head;
        let upto = if more { look.last } else { look.head };
        self.followed.fetch_max(upto, Ordering::SeqCst);
        let changes = look.rows.iter().filter(|(version, ..)| *version > after.0).filter_map(|(_, _, row)| row.change());
        Ok(Feed::Changes { changes: changes.collect(), upto: FeedVersion(upto.max(after.0)), more })
    }

    /// Reads the marks page by page, up to where the feed was when it began; what comes later is followed.
    async fn reload(&self, afresh: bool) -> Result<u64, StoreError> {
        let since = self.clock.now().seconds().0.saturating_sub(KEPT_SECONDS);
        let (mut rows, mut head, mut last) = (Vec::new(), None, 0_u64);
        loop {
            let after = i64::try_from(last).unwrap_or(i64::MAX);
            let page = self.look(MARKS, vec![Box::new(after), Box::new(since)]).await?;
            let end = *head.get_or_insert(page.head);
            if afresh {
                rows.extend(page.rows);
            } else {
                page.rows.iter().for_each(|(version, at, row)| self.marks.apply(row, *version, *at));
            }
            if page.seen == 0 || page.last >= end {
                if afresh {
                    self.marks.start_over(&rows);
                }
                self.followed.store(end, Ordering::SeqCst);
                return Ok(end);
            }
            last = page.last;
        }
    }

    async fn look(&self, statement: &'static str, values: Vec<Parameter>) -> Result<Look, StoreError> {
        let rows = self.call(statement, values).await?.rows;
        let Some(first) = rows.first() else {
            return Err(StoreError::Refused("the feed's own row is missing: restore the database".to_owned()));
        };
        if let Some(reason) = column::<Option<String>>(first, 2)? {
            return Err(self.moved_away(&reason));
        }
        let mut look = Look {
            head: unsigned(column(first, 0)?),
            pruned: unsigned(column(first, 1)?),
            rows: Vec::new(),
            seen: 0,
            last: 0,
            server_time: None,
        };
        if first.len() > 9 {
            look.server_time = Some(UnixMillis(column(first, 9)?));
        }
        for row in &rows {
            let Some(version) = column::<Option<i64>>(row, 3)? else { continue };
            look.seen = look.seen.saturating_add(1);
            look.last = unsigned(version);
            let Some(kind) = ChangeKind::from_number(column(row, 5)?) else { continue };
            let Ok(workspace) = <[u8; 16]>::try_from(column::<&[u8]>(row, 6)?) else { continue };
            let change = ChangeRow { kind, workspace: WorkspaceId(workspace), key: column(row, 7)?, value: column(row, 8)? };
            look.rows.push((look.last, UnixSeconds(column(row, 4)?), change));
        }
        Ok(look)
    }

    /// Revocations say "before this moment", so replicas must agree on the time; each is compared with the database.
    fn compare_clocks(&self, asked: UnixMillis, server: Option<UnixMillis>) {
        let Some(server) = server else { return };
        let answered = self.clock.now();
        // Between the question and the answer nobody knows.
        let ahead = asked.0.saturating_sub(server.0);
        let behind = server.0.saturating_sub(answered.0);
        let differs = ahead.max(behind).max(0);
        #[allow(clippy::cast_precision_loss)] // A gauge is a float.
        metrics::gauge!("jeton_store_clock_difference_seconds").set(differs as f64 / 1000.0);
        let wrong = differs > CLOCK_TOLERANCE_MILLIS;
        if wrong != self.clock_wrong.swap(wrong, Ordering::SeqCst) && wrong {
            tracing::error!(
                differs,
                "the clock of this machine and the database's differ by so many milliseconds: set them right"
            );
        }
    }

    /// Nothing is served from a deployment that was moved.
    fn moved_away(&self, reason: &str) -> StoreError {
        self.health.send_if_modified(|health| {
            let first = !matches!(health, Health::Failed(_));
            *health = Health::Failed(reason.to_owned());
            first
        });
        StoreError::Refused(reason.to_owned())
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
