-- Whose hosted requests are limited: one row per workspace that somebody leased requests of. Who leases changes
-- it first, so that one is at it at a time.
CREATE TABLE rate_turns (
    workspace TEXT    NOT NULL PRIMARY KEY,
    leases    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests that routers may make, or made, within a moment after this time (the database's, in microseconds). A row
-- counts until a minute after that moment.
CREATE TABLE rate_slices (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace TEXT    NOT NULL,
    leased_at INTEGER NOT NULL,
    requests  INTEGER NOT NULL
) STRICT;
CREATE INDEX rate_slices_by_workspace ON rate_slices (workspace, leased_at);
