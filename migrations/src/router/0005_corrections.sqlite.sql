-- Corrections are found by what they correct, and stay when that is no longer kept.
CREATE TABLE corrections_that_stay (
    event_id          TEXT    NOT NULL PRIMARY KEY,
    corrects_event_id TEXT    NOT NULL,
    call_id           TEXT    NOT NULL,
    workspace         TEXT    NOT NULL,
    settled_at        INTEGER NOT NULL,
    event             BLOB    NOT NULL
) STRICT;
INSERT INTO corrections_that_stay SELECT event_id, corrects_event_id, call_id, workspace, settled_at, event FROM corrections;
DROP TABLE corrections;
ALTER TABLE corrections_that_stay RENAME TO corrections;
CREATE INDEX corrections_by_call ON corrections (call_id);
CREATE INDEX corrections_by_original ON corrections (corrects_event_id);
