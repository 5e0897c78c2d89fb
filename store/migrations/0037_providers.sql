-- Who helps whoever was hurt: bodies that a protected handler may refer to, as data with a source and a date. Which case was
-- referred where stands in that case's seal alone.

CREATE TABLE providers (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text REFERENCES districts,                -- null: the whole province
    kind        text NOT NULL CHECK (kind IN ('legal', 'medical', 'shelter', 'psychosocial', 'police', 'gender')),
    names       jsonb NOT NULL CHECK (names <> '{}'),     -- by language
    phone       text NOT NULL CHECK (phone ~ '^\+?[0-9]{3,15}$'),
    source      text NOT NULL CHECK (source <> ''),       -- where this was read
    read_on     date NOT NULL,                            -- and when
    demo        boolean NOT NULL DEFAULT false,           -- offered in the demo's district only
    disabled_at timestamptz,                              -- referred to no more; what was referred stays
    added_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (district_id, kind, phone)
);
GRANT SELECT ON providers TO jawab_console, jawab_custody;
GRANT INSERT, UPDATE ON providers TO jawab_console;
