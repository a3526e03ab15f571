-- The tables of the shared store.
--
-- Every record stands in a column `record`, written by the one codec of all stores; beside it stand only the
-- columns that a statement looks at.  Texts are compared byte by byte.  Nothing here is a trigger, a sequence
-- or a foreign key, so that the same statements run on databases that only speak PostgreSQL's language.

-- Why no jeton serves from here: the deployment was moved away, or is not wholly moved in.
ALTER TABLE schema_info ADD COLUMN fenced text;

-- The dump that the deployment was moved away with, and the one it came from.
CREATE TABLE moves (
    direction text  COLLATE "C" PRIMARY KEY CHECK (direction IN ('away', 'in')),
    record    bytea NOT NULL
);

CREATE TABLE workspaces (
    id       bytea  PRIMARY KEY,
    name     text   COLLATE "C" NOT NULL UNIQUE,
    revision bigint NOT NULL,
    record   bytea  NOT NULL
);

-- Workspaces that were deleted, until sweeping has removed what was in them.
CREATE TABLE deleted_workspaces (
    id         bytea  PRIMARY KEY,
    deleted_at bigint NOT NULL,
    looked_at  bigint NOT NULL DEFAULT 0
);

CREATE TABLE clients (
    workspace bytea  NOT NULL,
    id        text   COLLATE "C" NOT NULL,
    owner     text   COLLATE "C",
    revision  bigint NOT NULL,
    record    bytea  NOT NULL,
    PRIMARY KEY (workspace, id)
);

CREATE TABLE users (
    workspace bytea  NOT NULL,
    subject   text   COLLATE "C" NOT NULL,
    revision  bigint NOT NULL,
    record    bytea  NOT NULL,
    PRIMARY KEY (workspace, subject)
);

CREATE TABLE consents (
    workspace bytea  NOT NULL,
    subject   text   COLLATE "C" NOT NULL,
    client    text   COLLATE "C" NOT NULL,
    revision  bigint NOT NULL,
    record    bytea  NOT NULL,
    PRIMARY KEY (workspace, subject, client)
);

CREATE TABLE scopes (
    workspace bytea NOT NULL,
    name      text  COLLATE "C" NOT NULL,
    record    bytea NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE policy_uses (
    workspace    bytea  NOT NULL,
    client       text   COLLATE "C" NOT NULL,
    policy       text   COLLATE "C" NOT NULL,
    count        bigint NOT NULL,
    last_used_at bigint NOT NULL,
    PRIMARY KEY (workspace, client, policy)
);

-- The serial is unique, so that of replicas that make the next key at once exactly one does.
CREATE TABLE signing_keys (
    workspace bytea  NOT NULL,
    kid       text   COLLATE "C" NOT NULL,
    serial    bigint NOT NULL,
    record    bytea  NOT NULL,
    PRIMARY KEY (workspace, kid),
    UNIQUE (workspace, serial)
);

CREATE TABLE data_keys (
    id     smallint PRIMARY KEY,
    record bytea    NOT NULL
);

-- A third of each page stays free, and `sweep_at` moves rarely: so a rotation touches no index.
CREATE TABLE grants (
    workspace bytea  NOT NULL,
    id        bytea  NOT NULL,
    version   bytea  NOT NULL,
    sweep_at  bigint NOT NULL,
    record    bytea  NOT NULL,
    PRIMARY KEY (workspace, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX grants_sweep ON grants (sweep_at);

CREATE TABLE sessions (
    workspace  bytea  NOT NULL,
    id         bytea  NOT NULL,
    expires_at bigint NOT NULL,
    record     bytea  NOT NULL,
    PRIMARY KEY (workspace, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX sessions_sweep ON sessions (expires_at);

-- One row: the newest version of the feed, and the newest one that is no longer kept.
CREATE TABLE feed (
    one     boolean PRIMARY KEY CHECK (one),
    version bigint  NOT NULL,
    pruned  bigint  NOT NULL
) WITH (fillfactor = 20);

INSERT INTO feed (one, version, pruned) VALUES (true, 0, 0);

-- Who follows the feed.
CREATE TABLE replicas (
    id      bytea  PRIMARY KEY,
    seen_at bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 50);

-- What is short-lived lies in parts of two hours each, which are emptied as a whole and used in turn: no row
-- is deleted, and none lives longer than a day and a few hours.

CREATE TABLE changes (
    slot      smallint NOT NULL,
    version   bigint   NOT NULL,
    at        bigint   NOT NULL,
    kind      smallint NOT NULL,
    workspace bytea    NOT NULL,
    key       bytea    NOT NULL,
    value     bigint   NOT NULL,
    PRIMARY KEY (version, slot)
) PARTITION BY LIST (slot);

CREATE TABLE single_uses (
    slot      smallint NOT NULL,
    workspace bytea    NOT NULL,
    kind      smallint NOT NULL,
    id        bytea    NOT NULL,
    until     bigint   NOT NULL,
    PRIMARY KEY (id, until, kind, workspace, slot)
) PARTITION BY LIST (slot);

CREATE TABLE changes_00 PARTITION OF changes FOR VALUES IN (0);
CREATE TABLE changes_01 PARTITION OF changes FOR VALUES IN (1);
CREATE TABLE changes_02 PARTITION OF changes FOR VALUES IN (2);
CREATE TABLE changes_03 PARTITION OF changes FOR VALUES IN (3);
CREATE TABLE changes_04 PARTITION OF changes FOR VALUES IN (4);
CREATE TABLE changes_05 PARTITION OF changes FOR VALUES IN (5);
CREATE TABLE changes_06 PARTITION OF changes FOR VALUES IN (6);
CREATE TABLE changes_07 PARTITION OF changes FOR VALUES IN (7);
CREATE TABLE changes_08 PARTITION OF changes FOR VALUES IN (8);
CREATE TABLE changes_09 PARTITION OF changes FOR VALUES IN (9);
CREATE TABLE changes_10 PARTITION OF changes FOR VALUES IN (10);
CREATE TABLE changes_11 PARTITION OF changes FOR VALUES IN (11);
CREATE TABLE changes_12 PARTITION OF changes FOR VALUES IN (12);
CREATE TABLE changes_13 PARTITION OF changes FOR VALUES IN (13);
CREATE TABLE changes_14 PARTITION OF changes FOR VALUES IN (14);
CREATE TABLE changes_15 PARTITION OF changes FOR VALUES IN (15);

CREATE TABLE single_uses_00 PARTITION OF single_uses FOR VALUES IN (0);
CREATE TABLE single_uses_01 PARTITION OF single_uses FOR VALUES IN (1);
CREATE TABLE single_uses_02 PARTITION OF single_uses FOR VALUES IN (2);
CREATE TABLE single_uses_03 PARTITION OF single_uses FOR VALUES IN (3);
CREATE TABLE single_uses_04 PARTITION OF single_uses FOR VALUES IN (4);
CREATE TABLE single_uses_05 PARTITION OF single_uses FOR VALUES IN (5);
CREATE TABLE single_uses_06 PARTITION OF single_uses FOR VALUES IN (6);
CREATE TABLE single_uses_07 PARTITION OF single_uses FOR VALUES IN (7);
CREATE TABLE single_uses_08 PARTITION OF single_uses FOR VALUES IN (8);
CREATE TABLE single_uses_09 PARTITION OF single_uses FOR VALUES IN (9);
CREATE TABLE single_uses_10 PARTITION OF single_uses FOR VALUES IN (10);
CREATE TABLE single_uses_11 PARTITION OF single_uses FOR VALUES IN (11);
CREATE TABLE single_uses_12 PARTITION OF single_uses FOR VALUES IN (12);
CREATE TABLE single_uses_13 PARTITION OF single_uses FOR VALUES IN (13);
CREATE TABLE single_uses_14 PARTITION OF single_uses FOR VALUES IN (14);
CREATE TABLE single_uses_15 PARTITION OF single_uses FOR VALUES IN (15);
