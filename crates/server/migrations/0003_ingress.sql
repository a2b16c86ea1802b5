-- Ways in that were set up by the Ingress service.
CREATE TABLE ingress (
    id TEXT NOT NULL PRIMARY KEY,
    -- livekit.IngressInfo in protobuf's JSON.
    info TEXT NOT NULL
);
