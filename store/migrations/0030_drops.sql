-- While a question of ours is open, a drop stands with the phone: a random id and a key to seal to. What is answered without
-- a number goes into it, where its case is behind the door; of an ordinary case the row is the same, and its words go to it.
-- Which case a drop belongs to is known inside that case's seal, and nowhere else.
CREATE TABLE drops (
    id          uuid PRIMARY KEY,
    contact_id  uuid NOT NULL REFERENCES contacts ON DELETE CASCADE,
    public_key  bytea NOT NULL,                           -- X25519; its other half is in the seal, or was never kept
    ends_at     timestamptz NOT NULL
);
CREATE INDEX drops_of ON drops (contact_id);
GRANT SELECT ON drops TO jawab_intake, jawab_custody;
GRANT SELECT, INSERT, DELETE ON drops TO jawab_console;
GRANT INSERT ON drops TO jawab_custody;

CREATE TABLE sealed.dropped (                             -- what came, until a reader of its case collects it
    id          uuid PRIMARY KEY,
    drop_id     uuid NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    blob        bytea NOT NULL,
    wrap        bytea NOT NULL                            -- the item's key, sealed to the drop's
);
CREATE INDEX sealed_dropped_of ON sealed.dropped (drop_id, seq);
GRANT INSERT ON sealed.dropped TO jawab_intake;
GRANT SELECT, DELETE ON sealed.dropped TO jawab_custody;
