-- Health of keys has a number of its own, beside the revision: a change of health ends no lease.
ALTER TABLE feed ADD COLUMN health_number BIGINT NOT NULL DEFAULT 0;

-- When the health of a key last changed, and the health number of that change; none if it never did.
ALTER TABLE keys ADD COLUMN health_since BIGINT;
ALTER TABLE keys ADD COLUMN health_number BIGINT;
CREATE INDEX keys_by_health ON keys (health_number) WHERE health_number IS NOT NULL;

-- Routers that watch one of several vaults, and how far each has come, so that every vault can wait for all of them.
-- A row that was not written for as long as the stale bound says nothing any more.
CREATE TABLE router_watches (
    identity     TEXT COLLATE "C" NOT NULL,
    instance     TEXT COLLATE "C" NOT NULL,
    watch        TEXT COLLATE "C" NOT NULL, -- which of the router's watches: a later one takes the row over
    acknowledged BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (identity, instance)
);
