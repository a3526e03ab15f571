//! Removing what is over, in bounded steps, on every replica at once: each takes what no other one has locked.

use std::borrow::Cow;

use crate::store::postgres::base::{Base, column};
use crate::store::postgres::changes::{KEPT_SECONDS, SLOT_SECONDS, SLOTS, slot_of};
use crate::store::postgres::request::{Parameter, Work};
use crate::store::{StoreError, Swept};
use crate::types::time::UnixSeconds;

/// The limit stands in the text: of a value nobody knows when the plan is made, and a tenth of the table is guessed.
const GRANTS: &str = "\
DELETE FROM grants g USING (
    SELECT workspace, id FROM grants WHERE sweep_at <= $1 ORDER BY sweep_at LIMIT {limit} FOR UPDATE SKIP LOCKED) w
WHERE g.workspace = w.workspace AND g.id = w.id RETURNING 1";

const SESSIONS: &str = "\
DELETE FROM sessions s USING (
    SELECT workspace, id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT {limit} FOR UPDATE SKIP LOCKED) w
WHERE s.workspace = w.workspace AND s.id = w.id RETURNING 1";

/// A deleted workspace stays known for so long after it was emptied, because a replica that had not heard of its end
/// may have put something there.
const BURIED_SECONDS: i64 = 3600;
/// Clocks of replicas may differ by so much.
const CLOCKS_SECONDS: i64 = 3600;
/// So often an emptied one is looked at.
const LOOKED_SECONDS: i64 = 600;
/// A replica that was not seen for so long is no more.
const ABSENT_SECONDS: i64 = 86_400;

/// What is in a workspace, in the order in which it goes: what opens something goes first.
const CONTENTS: &[&str] = &[
    "DELETE FROM clients t USING (SELECT id FROM clients WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.id = w.id RETURNING 1",
    "DELETE FROM signing_keys t USING (SELECT kid FROM signing_keys WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.kid = w.kid RETURNING 1",
    "DELETE FROM users t USING (SELECT subject FROM users WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.subject = w.subject RETURNING 1",
    "DELETE FROM grants t USING (SELECT id FROM grants WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.id = w.id RETURNING 1",
    "DELETE FROM sessions t USING (SELECT id FROM sessions WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.id = w.id RETURNING 1",
    "DELETE FROM consents t USING (SELECT subject, client FROM consents WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.subject = w.subject AND t.client = w.client RETURNING 1",
    "DELETE FROM scopes t USING (SELECT name FROM scopes WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.name = w.name RETURNING 1",
    "DELETE FROM policy_uses t USING (SELECT client, policy FROM policy_uses WHERE workspace = $1 LIMIT {limit}) w \
     WHERE t.workspace = $1 AND t.client = w.client AND t.policy = w.policy RETURNING 1",
];

impl Base {
    pub(super) async fn sweep_step(&self, now: UnixSeconds, limit: usize) -> Result<Swept, StoreError> {
        let mut removed = 0_usize;
        for statement in [GRANTS, SESSIONS] {
            let left = limit.saturating_sub(removed);
            if left > 0 {
                removed = removed.saturating_add(self.rows(statement, left, vec![Box::new(now.0)]).await?);
            }
        }
        removed = removed.saturating_add(self.marks.forget(now, limit.saturating_sub(removed)));
        removed = removed.saturating_add(self.empty_deleted(now, limit.saturating_sub(removed)).await?);
        #[allow(clippy::cast_precision_loss)] // A gauge is a float.
        metrics::gauge!("jeton_store_marks").set(self.marks.len() as f64);
        let more = removed >= limit;
        if !more {
            self.empty_slots(now).await?;
            let absent = now.0.saturating_sub(ABSENT_SECONDS);
            self.rows("DELETE FROM replicas WHERE seen_at < $1 RETURNING 1", 0, vec![Box::new(absent)]).await?;
        }
        Ok(Swept { removed, more })
    }

    /// Goes on with what deleted workspaces left, beginning with those that nobody looked at for the longest time.
    async fn empty_deleted(&self, now: UnixSeconds, limit: usize) -> Result<usize, StoreError> {
        if limit == 0 {
            return Ok(0);
        }
        let due = "SELECT id, deleted_at FROM deleted_workspaces WHERE looked_at <= $1 ORDER BY looked_at LIMIT 100";
        let before = now.0.saturating_sub(LOOKED_SECONDS);
        let buried = self.call(due, vec![Box::new(before)]).await?.rows;
        let mut removed = 0_usize;
        for row in &buried {
            let id: Vec<u8> = column(row, 0)?;
            for statement in CONTENTS {
                let left = limit.saturating_sub(removed);
                if left == 0 {
                    return Ok(removed);
                }
                removed = removed.saturating_add(self.rows(statement, left, vec![Box::new(id.clone())]).await?);
            }
            let over = column::<i64>(row, 1)?.saturating_add(BURIED_SECONDS) <= now.0;
            let next = match over {
                true => "DELETE FROM deleted_workspaces WHERE id = $1 AND looked_at <= $2 RETURNING 1",
                false => "UPDATE deleted_workspaces SET looked_at = $2 WHERE id = $1 RETURNING 1",
            };
            self.rows(next, 0, vec![Box::new(id), Box::new(now.0)]).await?;
        }
        Ok(removed)
    }

    /// Empties the parts of the short-lived tables whose time is over, each as a whole.
    async fn empty_slots(&self, now: UnixSeconds) -> Result<(), StoreError> {
        // Of the feed, those that are filled now or hold marks that still say something are left alone; of what is
        // used once, those that are filled for the day to come, and an hour's worth, for clocks differ.
        let kept = KEPT_SECONDS / SLOT_SECONDS + 1;
        for back in kept + 1..SLOTS - 1 {
            let slot = slot_of(now.plus(-back * SLOT_SECONDS));
            let part = format!("changes_{slot:02}");
            // Its newest row is from before any mark that still says something.
            let over = format!("(SELECT at FROM {part} ORDER BY version DESC LIMIT 1) < {}", now.0.saturating_sub(KEPT_SECONDS));
            let first = format!("UPDATE feed SET pruned = greatest(pruned, (SELECT max(version) FROM {part}));");
            self.empty_slot(&part, &over, &first).await?;
        }
        for back in 1..SLOTS - kept {
            let slot = slot_of(now.plus(-CLOCKS_SECONDS - back * SLOT_SECONDS));
            let part = format!("single_uses_{slot:02}");
            // Nothing is taken that is good for longer than a day, so all of it has ended.
            self.empty_slot(&part, &format!("EXISTS (SELECT 1 FROM {part})"), "").await?;
        }
        Ok(())
    }

    /// Empties a part if `over`, which is asked again under the lock.  When somebody uses it, another time will do.
    async fn empty_slot(&self, part: &str, over: &str, first: &str) -> Result<(), StoreError> {
        let script = format!(
            "DO $$ BEGIN IF {over} THEN LOCK TABLE {part} IN ACCESS EXCLUSIVE MODE NOWAIT; \
             IF {over} THEN {first} TRUNCATE {part}; END IF; END IF; \
             EXCEPTION WHEN lock_not_available THEN NULL; END $$"
        );
        self.ask(Work::Script(script)).await.map(drop)
    }

    async fn rows(&self, statement: &'static str, limit: usize, parameters: Vec<Parameter>) -> Result<usize, StoreError> {
        let statement = match statement.contains("{limit}") {
            true => Cow::Owned(statement.replace("{limit}", &limit.to_string())),
            false => Cow::Borrowed(statement),
        };
        Ok(self.call(statement, parameters).await?.rows.len())
    }
}
