-- Where a call came from, its trace, and which form of bytes a row's hash covers. Rows from before
-- keep form 1, which covers neither of the two.
ALTER TABLE audit_rows ADD COLUMN form     BIGINT           NOT NULL DEFAULT 1;
ALTER TABLE audit_rows ADD COLUMN source   TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit_rows ADD COLUMN trace_id TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Up to where a chain is signed.
ALTER TABLE audit_heads ADD COLUMN signed_sequence BIGINT NOT NULL DEFAULT 0;

-- The newest signed checkpoints of each chain. What is to be trusted is kept elsewhere.
CREATE TABLE audit_checkpoints (
    chain      TEXT COLLATE "C" NOT NULL,
    sequence   BIGINT           NOT NULL,
    hash       BYTEA            NOT NULL,
    time       BIGINT           NOT NULL,
    epoch      TEXT COLLATE "C" NOT NULL,
    signature  BYTEA            NOT NULL,
    public_key BYTEA            NOT NULL,
    PRIMARY KEY (chain, sequence)
);
