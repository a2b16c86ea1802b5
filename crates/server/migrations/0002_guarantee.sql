-- One set for SQLite and PostgreSQL: BIGINT and TEXT, no defaults that differ.

-- Numbers that are given once and never again, not even after a restart.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('letter', 0);

-- Open incidents and tickets of a contract, as their engines give them.
CREATE TABLE desk (
    contract TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    incidents TEXT NOT NULL,
    tickets TEXT NOT NULL,
    saved_ms BIGINT NOT NULL
);

-- What is to be told to somebody and was not taken yet.
CREATE TABLE letter (
    id BIGINT PRIMARY KEY,
    contract TEXT NOT NULL,
    body TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX letter_due ON letter (due_ms, id);

-- Versions of contracts. The leaf is -1 until the log has it.
CREATE TABLE contract (
    hash TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    canonical TEXT NOT NULL,
    state TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    at_ms BIGINT NOT NULL
);

-- Statements, each entry of each period, as they stand in the log.
CREATE TABLE settlement (
    contract TEXT NOT NULL,
    hash TEXT NOT NULL,
    period BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    leaf BIGINT NOT NULL,
    status TEXT NOT NULL,
    canonical TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (contract, hash, period, entry)
);
