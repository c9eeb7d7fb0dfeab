-- Hosted spend of a workspace in a month (UTC): one row per month that somebody leased from. Who leases
-- changes it first, so that one is at it at a time. How much is spent stands in the events.
CREATE TABLE spend_months (
    workspace TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    leases    INTEGER NOT NULL,
    PRIMARY KEY (workspace, period)
) STRICT, WITHOUT ROWID;

-- What a writer holds of what remains of such a month, in pico-USD: it may make calls for so much more.
-- A settlement takes its charge from it, in its own transaction; so what is spent and what is held is one
-- sum at any moment. Less than nothing where a call cost more than was reserved for it.
CREATE TABLE spend_slices (
    workspace TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    term      INTEGER NOT NULL,
    held      INTEGER NOT NULL,
    PRIMARY KEY (workspace, period, term)
) STRICT, WITHOUT ROWID;
