-- A second factor for who may read sealed cases or let others in: a secret in a box, and the last step that was used.
CREATE TABLE second_factors (
    staff_id    uuid PRIMARY KEY REFERENCES staff ON DELETE CASCADE,
    box         bytea NOT NULL,                           -- the secret; see store.crypto
    step        bigint NOT NULL DEFAULT 0,                -- of 30 seconds: each is good once
    enrolled_at timestamptz                               -- null: shown, not yet answered with
);
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors TO jawab_console, jawab_custody;
-- A session that has had the right password and waits for the second factor: it opens nothing.
ALTER TABLE desk_sessions ADD COLUMN waits boolean NOT NULL DEFAULT false;
