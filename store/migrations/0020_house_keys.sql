-- The fingerprints of the house keys that the data were written with: a foreign key file is refused at the start.
CREATE TABLE house_keys (
    fingerprint text PRIMARY KEY CHECK (fingerprint ~ '^[0-9a-f]{4}(-[0-9a-f]{4}){3}$'),
    names boolean NOT NULL,  -- the one that addresses and codes are hashed with: no rotation changes it
    at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX house_keys_names ON house_keys (names) WHERE names;
GRANT SELECT ON house_keys TO jawab_intake, jawab_console, jawab_report;
