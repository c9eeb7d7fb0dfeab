-- Health of keys has a number of its own, beside the revision: a change of health ends no lease.
ALTER TABLE feed ADD COLUMN health_number INTEGER NOT NULL DEFAULT 0;

-- When the health of a key last changed, and the health number of that change; none if it never did.
ALTER TABLE keys ADD COLUMN health_since INTEGER;
ALTER TABLE keys ADD COLUMN health_number INTEGER;
CREATE INDEX keys_by_health ON keys (health_number) WHERE health_number IS NOT NULL;

-- Routers that watch one of several vaults, and how far each has come, so that every vault can wait for all of them.
-- A row that was not written for as long as the stale bound says nothing any more.
CREATE TABLE router_watches (
    identity     TEXT NOT NULL,
    instance     TEXT NOT NULL,
    watch        TEXT NOT NULL, -- which of the router's watches: a later one takes the row over
    acknowledged INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    PRIMARY KEY (identity, instance)
) STRICT;
