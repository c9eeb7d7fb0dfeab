-- The end of a workspace. All four times are empty until it is deleted; Undelete empties them again.
ALTER TABLE workspaces ADD COLUMN deleted_at BIGINT;
ALTER TABLE workspaces ADD COLUMN purge_at BIGINT;     -- Undelete works until then
ALTER TABLE workspaces ADD COLUMN destroyed_at BIGINT; -- its data keys are gone
ALTER TABLE workspaces ADD COLUMN purged_at BIGINT;    -- keys, members, tokens and policy too
ALTER TABLE workspaces ADD COLUMN state_before TEXT COLLATE "C";  -- what Undelete gives back
ALTER TABLE workspaces ADD COLUMN reason_before TEXT COLLATE "C";
CREATE INDEX workspaces_to_purge ON workspaces (purge_at)
    WHERE purge_at IS NOT NULL AND purged_at IS NULL;

-- Lists of keys go by provider, place and name; deleted rows do not slow them.
CREATE INDEX keys_by_place ON keys (owner, provider, place, name) WHERE deleted_at IS NULL;
-- What the end of a workspace sweeps up, deleted rows too.
CREATE INDEX keys_by_owner ON keys (owner);
