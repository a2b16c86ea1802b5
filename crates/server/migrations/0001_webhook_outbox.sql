-- Events on their way to webhook receivers. The id is given by the server and
-- grows: within one (url, room) events leave in its order.
CREATE TABLE webhook_outbox (
    id BIGINT PRIMARY KEY,
    url TEXT NOT NULL,
    room TEXT NOT NULL,
    event TEXT NOT NULL,
    event_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
