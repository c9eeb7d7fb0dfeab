-- Sums of the stream by workspace, day (UTC), provider, model, source and key. Amounts are decimal
-- USD as text, since they outgrow 64 bits in pico-USD; `usage` is an encoded keyway.billing.v1.Usage.
CREATE TABLE roll_ups (
    workspace      TEXT    NOT NULL,
    day            TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    requested      TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    key_name       TEXT    NOT NULL,
    events         INTEGER NOT NULL,
    without_charge INTEGER NOT NULL,
    charge         TEXT    NOT NULL,
    list_price     TEXT    NOT NULL,
    usage          BLOB    NOT NULL,
    PRIMARY KEY (workspace, day, provider, requested, source, key_name)
) STRICT, WITHOUT ROWID;

-- Up to which position of the stream they are summed (one row).
CREATE TABLE rolled_up (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO rolled_up (id, position) VALUES (1, 0);

CREATE INDEX stream_positions_by_time ON stream_positions (settled_at);
