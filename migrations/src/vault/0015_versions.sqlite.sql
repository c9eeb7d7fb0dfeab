-- A key that takes the name of a deleted one goes on from its version: the last one is looked up by name.
CREATE INDEX keys_ever ON keys (owner, provider, name, version);
