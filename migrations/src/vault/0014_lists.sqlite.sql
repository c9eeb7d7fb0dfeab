-- Lists of tokens go by accessor, in a workspace or among the system's.
CREATE INDEX tokens_by_workspace ON tokens (workspace, accessor);
