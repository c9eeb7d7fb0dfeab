-- The vault's database, from the start. Times are microseconds since 1970 (UTC).

-- Generations of the master key that this database has seen. The keys themselves are elsewhere.
CREATE TABLE master_keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    generation  INTEGER NOT NULL UNIQUE,
    check_value TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- One per owner and generation, wrapped by a master key. The owner `system` has one too: the keys
-- for fingerprints, token hashes and page tokens are derived from it.
CREATE TABLE data_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    owner         TEXT    NOT NULL,
    generation    INTEGER NOT NULL,
    master_key_id TEXT    NOT NULL,
    wrapped       BLOB    NOT NULL,
    state         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    UNIQUE (owner, generation)
) STRICT;

CREATE TABLE workspaces (
    id              TEXT    NOT NULL PRIMARY KEY,
    display_name    TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    state_reason    TEXT    NOT NULL,
    policy          BLOB    NOT NULL, -- keyway.vault.v1.Policy
    operator_limits BLOB    NOT NULL, -- keyway.vault.v1.OperatorLimits
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    subject    TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, subject)
) STRICT;

CREATE TABLE tokens (
    accessor        TEXT    NOT NULL PRIMARY KEY,
    hash            BLOB    NOT NULL UNIQUE,
    workspace       TEXT             REFERENCES workspaces (id),
    subject         TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    source_networks TEXT    NOT NULL, -- JSON array of CIDR texts
    label           TEXT    NOT NULL,
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_member ON tokens (workspace, subject);

-- How many live keys a pool has, written with the rows: a row that is counted and not found is
-- unreadable, never absent.
CREATE TABLE key_pools (
    owner      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    selection  TEXT    NOT NULL,
    live_count INTEGER NOT NULL,
    PRIMARY KEY (owner, provider)
) STRICT;

CREATE TABLE keys (
    row_id         TEXT    NOT NULL PRIMARY KEY,
    owner          TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    data_key_id    TEXT    NOT NULL,
    envelope       BLOB    NOT NULL, -- emptied when the key is deleted
    mask           TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,
    place          INTEGER NOT NULL,
    disabled       INTEGER NOT NULL,
    expires_at     INTEGER,
    allowed_models TEXT    NOT NULL, -- JSON array
    label          TEXT    NOT NULL,
    health         TEXT    NOT NULL,
    health_reason  TEXT    NOT NULL,
    health_until   INTEGER,
    change_number  INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deleted_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX keys_live ON keys (owner, provider, name) WHERE deleted_at IS NULL;

-- The change feed: one row that says where it is, and the changes themselves.
CREATE TABLE feed (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    epoch    TEXT    NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE changes (
    revision   INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    accessor   TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Who did what. Each row's hash covers the one before it.
CREATE TABLE audit_heads (
    chain    TEXT    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;

CREATE TABLE audit_rows (
    chain    TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    accessor TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    rpc      TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    decision TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    facts    TEXT    NOT NULL,
    hash     BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT;

-- Answers to requests that carried a request_id. They never hold a secret.
CREATE TABLE requests (
    scope      TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    body_hash  BLOB    NOT NULL,
    response   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, request_id)
) STRICT;
CREATE INDEX requests_by_age ON requests (created_at);
