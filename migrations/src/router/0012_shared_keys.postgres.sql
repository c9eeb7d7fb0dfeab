-- Keys that all routers of this database share. They seal what callers carry for the routers; no provider's key is among them.
CREATE TABLE shared_keys (
    name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    bytes   BYTEA NOT NULL,
    made_at BIGINT NOT NULL
);
