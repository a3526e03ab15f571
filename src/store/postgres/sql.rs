//! The statements of grants.  Each one decides by its WHERE; none reads first and writes then.
//!
//! The batches carry all columns in one CTE, because joining an UNNEST twice is quadratic, and skip rows that are
//! locked, because two batches that meet in another order would wait for each other.  What a batch leaves
//! out goes again by itself.

/// Reads one grant.
pub const LOAD: &str = "SELECT version, record FROM grants WHERE workspace = $1 AND id = $2";

/// Reads many: `n` counts from 1 in the order of the parameters.
pub const LOAD_MANY: &str = "\
SELECT w.n, g.version, g.record
FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS w (workspace, id, n)
JOIN grants g ON g.workspace = w.workspace AND g.id = w.id";

/// Reads people and what they allowed: one, or many.
pub const STANDING: &str = "\
SELECT w.n, u.record, c.record
FROM unnest($1::bytea[], $2::text[], $3::text[]) WITH ORDINALITY AS w (workspace, subject, client, n)
LEFT JOIN users u ON u.workspace = w.workspace AND u.subject = w.subject
LEFT JOIN consents c ON c.workspace = w.workspace AND c.subject = w.subject AND c.client = w.client";

/// Keeps one new grant.
pub const INSERT: &str = "\
INSERT INTO grants (workspace, id, version, sweep_at, record) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workspace, id) DO NOTHING RETURNING id";

/// Keeps many, in one order: an insertion waits for another one of its key, and two batches that meet in other orders
/// would wait for each other.
pub const INSERT_MANY: &str = "\
INSERT INTO grants (workspace, id, version, sweep_at, record)
SELECT workspace, id, version, sweep_at, record
FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[]) AS w (workspace, id, version, sweep_at, record)
ORDER BY workspace, id
ON CONFLICT (workspace, id) DO NOTHING RETURNING version";

/// Replaces one grant that is still at a version.
pub const SWAP: &str = "\
UPDATE grants SET version = $3, sweep_at = $4, record = $5
WHERE workspace = $1 AND id = $2 AND version = $6 RETURNING id";

/// The grants that are still at the versions that were asked for, with what they become, locked.
macro_rules! wanted {
    ($what_follows:literal) => {
        concat!(
            "WITH wanted AS (
    SELECT g.workspace, g.id, w.version, w.sweep_at, w.record
    FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[])
        AS w (workspace, id, version, sweep_at, record, was)
    JOIN grants g ON g.workspace = w.workspace AND g.id = w.id AND g.version = w.was
    FOR UPDATE OF g SKIP LOCKED)",
            $what_follows
        )
    };
}

/// Replaces many.
pub const SWAP_MANY: &str = wanted!(
    "
UPDATE grants g SET version = w.version, sweep_at = w.sweep_at, record = w.record
FROM wanted w WHERE g.workspace = w.workspace AND g.id = w.id RETURNING g.version"
);

/// Replaces grants by their ends, and appends to the feed in the same commit.  `$7` slot, `$8` time, `$9` kind.
pub const REVOKE_MANY: &str = wanted!(
    ",
done AS (
    UPDATE grants g SET version = w.version, sweep_at = w.sweep_at, record = w.record
    FROM wanted w WHERE g.workspace = w.workspace AND g.id = w.id RETURNING g.workspace, g.id, g.version),
moved AS (
    UPDATE feed SET version = version + (SELECT count(*) FROM done)
    WHERE EXISTS (SELECT 1 FROM done) RETURNING version),
told AS (
    INSERT INTO changes (slot, version, at, kind, workspace, key, value)
    SELECT $7::smallint, moved.version + 1 - row_number() OVER (), $8::bigint, $9::smallint, done.workspace, done.id, 0
    FROM done CROSS JOIN moved)
SELECT version FROM done"
);

/// The same for one that must wait for its row: a batch leaves out what is locked.
pub const REVOKE: &str = "\
WITH done AS (
    UPDATE grants SET version = $3, sweep_at = $4, record = $5
    WHERE workspace = $1 AND id = $2 AND version = $6 RETURNING workspace, id),
moved AS (
    UPDATE feed SET version = version + 1 WHERE EXISTS (SELECT 1 FROM done) RETURNING version),
told AS (
    INSERT INTO changes (slot, version, at, kind, workspace, key, value)
    SELECT $7::smallint, moved.version, $8::bigint, $9::smallint, done.workspace, done.id, 0
    FROM done CROSS JOIN moved)
SELECT id FROM done";
