-- Rotation of master and data keys.

-- A retired generation wraps nothing and never will again.
ALTER TABLE master_keys ADD COLUMN retired_at INTEGER;

-- What each generation still wraps, and what each data key still seals.
CREATE INDEX data_keys_by_master ON data_keys (state, master_key_id);
CREATE INDEX keys_by_data_key ON keys (data_key_id) WHERE deleted_at IS NULL;

-- Work that was asked for and goes on until it is done, whichever process does it. One row per kind
-- and owner; a later request takes the place of a finished one.
CREATE TABLE seal_jobs (
    kind        TEXT    NOT NULL, -- REWRAP or RESEAL
    owner       TEXT    NOT NULL, -- of RESEAL; empty for REWRAP
    target      TEXT    NOT NULL, -- id of the master key that wraps, or of the data key that seals
    accessor    TEXT    NOT NULL, -- of who asked
    subject     TEXT    NOT NULL,
    changed     INTEGER NOT NULL, -- rows done so far
    unreadable  INTEGER NOT NULL, -- rows of the last pass that do not open, and stay as they are
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (kind, owner)
) STRICT;
CREATE INDEX seal_jobs_open ON seal_jobs (created_at) WHERE finished_at IS NULL;
