-- The router's database, from the start. Times are microseconds since 1970 (UTC). Events are
-- encoded keyway.billing.v1.UsageEvent; the columns beside them are what is searched by.

-- One row per router process. On SQLite one process runs at a time: every earlier term is dead.
CREATE TABLE writers (
    term         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    stopped_at   INTEGER
) STRICT;

-- Only what is open. A row leaves in the transaction that settles it.
CREATE TABLE open_attempts (
    event_id  TEXT    NOT NULL PRIMARY KEY,
    call_id   TEXT    NOT NULL,
    workspace TEXT    NOT NULL,
    term      INTEGER NOT NULL REFERENCES writers (term),
    event     BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Append-only: one row per attempt, for ever the same.
CREATE TABLE settlements (
    event_id   TEXT    NOT NULL PRIMARY KEY,
    call_id    TEXT    NOT NULL,
    workspace  TEXT    NOT NULL,
    settled_at INTEGER NOT NULL,
    event      BLOB    NOT NULL
) STRICT;
CREATE INDEX settlements_by_call ON settlements (call_id);

-- Append-only: what became known about a settled attempt later.
CREATE TABLE corrections (
    event_id          TEXT    NOT NULL PRIMARY KEY,
    corrects_event_id TEXT    NOT NULL REFERENCES settlements (event_id),
    call_id           TEXT    NOT NULL,
    workspace         TEXT    NOT NULL,
    settled_at        INTEGER NOT NULL,
    event             BLOB    NOT NULL
) STRICT;
CREATE INDEX corrections_by_call ON corrections (call_id);

-- Committed events without a place in the stream yet, written with the event itself.
CREATE TABLE unsequenced (
    arrival   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id  TEXT    NOT NULL UNIQUE,
    workspace TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    settled_at INTEGER NOT NULL
) STRICT;

-- The stream: positions from 1 without a gap, given after commit.
CREATE TABLE stream_positions (
    position   INTEGER NOT NULL PRIMARY KEY,
    event_id   TEXT    NOT NULL UNIQUE,
    workspace  TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    settled_at INTEGER NOT NULL
) STRICT;
CREATE INDEX stream_positions_by_workspace ON stream_positions (workspace, position);

-- Who gives positions (one row): the term that may, and the last one given. `stream_id` stands in
-- every cursor, so that one of another database is refused.
CREATE TABLE sequencer (
    id             INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    stream_id      INTEGER NOT NULL,
    term           INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    first_position INTEGER NOT NULL
) STRICT;
INSERT INTO sequencer (id, stream_id, term, last_position, first_position)
VALUES (1, abs(random() / 2), 0, 0, 1);

-- Request ids of calls that are open, or that completed within the last day.
CREATE TABLE request_ids (
    workspace    TEXT    NOT NULL,
    request_id   TEXT    NOT NULL,
    call_id      TEXT    NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (workspace, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_ids_by_call ON request_ids (call_id);
CREATE INDEX request_ids_by_time ON request_ids (completed_at);

-- Cursors that named consumers have acknowledged. `scope` is the workspace, or empty for all.
CREATE TABLE consumers (
    scope           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    acknowledged_at INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

-- Every price table that an event was priced with, under its content hash.
CREATE TABLE price_tables (
    hash         TEXT    NOT NULL PRIMARY KEY,
    table_json   TEXT    NOT NULL,
    effective_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
