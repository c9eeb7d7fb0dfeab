-- Sums of the stream by workspace, day (UTC), provider, model, source and key. Amounts are decimal
-- USD as text, since they outgrow 64 bits in pico-USD; `usage` is an encoded keyway.billing.v1.Usage.
CREATE TABLE roll_ups (
    workspace      TEXT COLLATE "C" NOT NULL,
    day            TEXT COLLATE "C" NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    requested      TEXT COLLATE "C" NOT NULL,
    source         TEXT COLLATE "C" NOT NULL,
    key_name       TEXT COLLATE "C" NOT NULL,
    events         BIGINT NOT NULL,
    without_charge BIGINT NOT NULL,
    charge         TEXT COLLATE "C" NOT NULL,
    list_price     TEXT COLLATE "C" NOT NULL,
    usage          BYTEA NOT NULL,
    PRIMARY KEY (workspace, day, provider, requested, source, key_name)
);

-- Up to which position of the stream they are summed (one row).
CREATE TABLE rolled_up (
    id       BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL
);
INSERT INTO rolled_up (id, position) VALUES (1, 0);

CREATE INDEX stream_positions_by_time ON stream_positions (settled_at);
