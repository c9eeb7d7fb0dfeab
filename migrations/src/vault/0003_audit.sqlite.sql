-- Where a call came from, its trace, and which form of bytes a row's hash covers. Rows from before
-- keep form 1, which covers neither of the two.
ALTER TABLE audit_rows ADD COLUMN form     INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit_rows ADD COLUMN source   TEXT    NOT NULL DEFAULT '';
ALTER TABLE audit_rows ADD COLUMN trace_id TEXT    NOT NULL DEFAULT '';

-- Up to where a chain is signed.
ALTER TABLE audit_heads ADD COLUMN signed_sequence INTEGER NOT NULL DEFAULT 0;

-- The newest signed checkpoints of each chain. What is to be trusted is kept elsewhere.
CREATE TABLE audit_checkpoints (
    chain      TEXT    NOT NULL,
    sequence   INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    time       INTEGER NOT NULL,
    epoch      TEXT    NOT NULL,
    signature  BLOB    NOT NULL,
    public_key BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT;
