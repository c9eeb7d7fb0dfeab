-- The vault's database, from the start, for PostgreSQL. Texts sort by their bytes, as in SQLite. Times
-- are microseconds since 1970 (UTC).

-- Generations of the master key that this database has seen. The keys themselves are elsewhere.
CREATE TABLE master_keys (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    generation  BIGINT NOT NULL UNIQUE,
    check_value TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL
);

-- One per owner and generation, wrapped by a master key. The owner `system` has one too: the keys
-- for fingerprints, token hashes and page tokens are derived from it.
CREATE TABLE data_keys (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner         TEXT COLLATE "C" NOT NULL,
    generation    BIGINT NOT NULL,
    master_key_id TEXT COLLATE "C" NOT NULL,
    wrapped       BYTEA NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    UNIQUE (owner, generation)
);

CREATE TABLE workspaces (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    display_name    TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    state_reason    TEXT COLLATE "C" NOT NULL,
    policy          BYTEA NOT NULL, -- keyway.vault.v1.Policy
    operator_limits BYTEA NOT NULL, -- keyway.vault.v1.OperatorLimits
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

CREATE TABLE members (
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    subject    TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, subject)
);

CREATE TABLE tokens (
    accessor        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash            BYTEA NOT NULL UNIQUE,
    workspace       TEXT COLLATE "C" REFERENCES workspaces (id),
    subject         TEXT COLLATE "C" NOT NULL,
    role            TEXT COLLATE "C" NOT NULL,
    source_networks TEXT COLLATE "C" NOT NULL, -- JSON array of CIDR texts
    label           TEXT COLLATE "C" NOT NULL,
    expires_at      BIGINT NOT NULL,
    revoked_at      BIGINT,
    created_at      BIGINT NOT NULL
);
CREATE INDEX tokens_by_member ON tokens (workspace, subject);

-- How many live keys a pool has, written with the rows: a row that is counted and not found is
-- unreadable, never absent.
CREATE TABLE key_pools (
    owner      TEXT COLLATE "C" NOT NULL,
    provider   TEXT COLLATE "C" NOT NULL,
    selection  TEXT COLLATE "C" NOT NULL,
    live_count BIGINT NOT NULL,
    PRIMARY KEY (owner, provider)
);

CREATE TABLE keys (
    row_id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner          TEXT COLLATE "C" NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    version        BIGINT NOT NULL,
    data_key_id    TEXT COLLATE "C" NOT NULL,
    envelope       BYTEA NOT NULL, -- emptied when the key is deleted
    mask           TEXT COLLATE "C" NOT NULL,
    fingerprint    TEXT COLLATE "C" NOT NULL,
    place          BIGINT NOT NULL,
    disabled       BOOLEAN NOT NULL,
    expires_at     BIGINT,
    allowed_models TEXT COLLATE "C" NOT NULL, -- JSON array
    label          TEXT COLLATE "C" NOT NULL,
    health         TEXT COLLATE "C" NOT NULL,
    health_reason  TEXT COLLATE "C" NOT NULL,
    health_until   BIGINT,
    change_number  BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT 
);
CREATE UNIQUE INDEX keys_live ON keys (owner, provider, name) WHERE deleted_at IS NULL;

-- The change feed: one row that says where it is, and the changes themselves.
CREATE TABLE feed (
    "only"   BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1), -- a word of SQL
    epoch    TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL
);

CREATE TABLE changes (
    revision   BIGINT NOT NULL PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    provider   TEXT COLLATE "C" NOT NULL,
    accessor   TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

-- Who did what. Each row's hash covers the one before it.
CREATE TABLE audit_heads (
    chain    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash     BYTEA NOT NULL
);

CREATE TABLE audit_rows (
    chain    TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    time     BIGINT NOT NULL,
    accessor TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C" NOT NULL,
    rpc      TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    facts    TEXT COLLATE "C" NOT NULL,
    hash     BYTEA NOT NULL,
    PRIMARY KEY (chain, sequence)
);

-- Answers to requests that carried a request_id. They never hold a secret.
CREATE TABLE requests (
    scope      TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    body_hash  BYTEA NOT NULL,
    response   BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scope, request_id)
);
CREATE INDEX requests_by_age ON requests (created_at);
