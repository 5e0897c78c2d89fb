-- Each number of ours may carry its own sealed settings (account, secret, preset), and a name that its door has.

ALTER TABLE channels
    ADD COLUMN name text CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$' AND name <> 'status'),  -- of its door: /in/<provider>/<name>
    ADD COLUMN config_box bytea,                          -- encrypted JSON of its settings, bound to this row; null: the environment's
    ADD COLUMN fault text,                                -- why its settings cannot be used: told once, by whoever saw it first
    ADD COLUMN heard_at timestamptz,                      -- last sign of life at a door of its own, within a minute
    ADD COLUMN retired_at timestamptz,                    -- switched off: its history stays
    ADD CHECK (config_box IS NULL OR name IS NOT NULL);
CREATE UNIQUE INDEX channels_name ON channels (provider, name) WHERE name IS NOT NULL;

-- Which providers there are is said by the code that speaks to them.
ALTER TABLE channels DROP CONSTRAINT channels_provider_check;
ALTER TABLE channels ADD CHECK (provider ~ '^[a-z][a-z0-9-]{1,29}$');

-- A channel without message ids: the same text since this moment is a repeat. Written for such channels only.
ALTER TABLE contacts ADD COLUMN said_at timestamptz;

GRANT DELETE ON channels TO jawab_console;                -- one that nobody has written to; the others are retired
GRANT SELECT (retired_at) ON channels TO jawab_report;
