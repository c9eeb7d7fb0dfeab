-- Rotation of master and data keys, for PostgreSQL.

-- A retired generation wraps nothing and never will again.
ALTER TABLE master_keys ADD COLUMN retired_at BIGINT;

-- What each generation still wraps, and what each data key still seals.
CREATE INDEX data_keys_by_master ON data_keys (state, master_key_id);
CREATE INDEX keys_by_data_key ON keys (data_key_id) WHERE deleted_at IS NULL;

-- Work that was asked for and goes on until it is done, whichever process does it. One row per kind
-- and owner; a later request takes the place of a finished one.
CREATE TABLE seal_jobs (
    kind        TEXT COLLATE "C" NOT NULL, -- REWRAP or RESEAL
    owner       TEXT COLLATE "C" NOT NULL, -- of RESEAL; empty for REWRAP
    target      TEXT COLLATE "C" NOT NULL, -- id of the master key that wraps, or of the data key that seals
    accessor    TEXT COLLATE "C" NOT NULL, -- of who asked
    subject     TEXT COLLATE "C" NOT NULL,
    changed     BIGINT NOT NULL, -- rows done so far
    unreadable  BIGINT NOT NULL, -- rows of the last pass that do not open, and stay as they are
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (kind, owner)
);
CREATE INDEX seal_jobs_open ON seal_jobs (created_at) WHERE finished_at IS NULL;
