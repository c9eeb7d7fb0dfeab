-- Keys that all routers of this database share. They seal what callers carry for the routers; no provider's key is among them.
CREATE TABLE shared_keys (
    name    TEXT    NOT NULL PRIMARY KEY,
    bytes   BLOB    NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
