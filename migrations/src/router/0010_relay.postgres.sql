-- Who publishes the stream to NATS (one row): the term that may, for as long as its writer's lease
-- counts. How far it is stands among the consumers.
CREATE TABLE relay (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    term BIGINT NOT NULL
);
INSERT INTO relay (id, term) VALUES (1, 0);
