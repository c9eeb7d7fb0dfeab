-- Corrections are found by what they correct, and stay when that is no longer kept.
ALTER TABLE corrections DROP CONSTRAINT corrections_corrects_event_id_fkey;
CREATE INDEX corrections_by_original ON corrections (corrects_event_id);
