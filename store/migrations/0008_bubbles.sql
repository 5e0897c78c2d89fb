-- Several messages that say one thing get one reply: the reply that is still held is replaced by the next one, and every
-- message knows which of ours answers it.
ALTER TABLE sessions ADD COLUMN held_id uuid;              -- the reply that may still be held; its moment is in the state
ALTER TABLE inbox ADD COLUMN answered_by uuid;             -- the message of ours that answers this one; null: none does

-- A number is said to people before their report is complete, on both sides of the protected door. Of a report behind it
-- a sealed case stands already; of an ordinary one this, until its case is opened.
CREATE TABLE reserved (
    code        text PRIMARY KEY CHECK (code ~ '^[0-9]{13}$'),
    district_id text NOT NULL REFERENCES districts,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX reserved_at ON reserved (at);
GRANT SELECT, INSERT ON reserved TO jawab_intake;
GRANT SELECT, DELETE ON reserved TO jawab_console;
