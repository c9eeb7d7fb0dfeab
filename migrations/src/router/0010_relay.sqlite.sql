-- Who publishes the stream to NATS (one row): the term that may, for as long as its writer's lease
-- counts. How far it is stands among the consumers.
CREATE TABLE relay (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    term INTEGER NOT NULL
) STRICT;
INSERT INTO relay (id, term) VALUES (1, 0);
