-- A district that was never counted, or by another rule, is counted whole (cases/rollup.py): by which rule is said of each.
ALTER TABLE counted_with DROP CONSTRAINT counted_with_pkey, ADD COLUMN district_id text;
INSERT INTO counted_with (district_id, query) SELECT d.id, w.query FROM districts d CROSS JOIN counted_with w;
DELETE FROM counted_with WHERE district_id IS NULL;
ALTER TABLE counted_with ADD PRIMARY KEY (district_id);

-- What became of an edition's messages, counted from them for all who ask until then: tens of thousands of rows
-- (broadcast/reached.py). `parts` are [{"state", "why", "kind", "lang", "n"}, …].
CREATE TABLE reaches (
    edition_id  uuid PRIMARY KEY REFERENCES editions (id),
    messages    jsonb NOT NULL,                            -- {state: how many}
    parts       jsonb NOT NULL,
    until       timestamptz NOT NULL
);
CREATE INDEX reaches_until ON reaches (until);
GRANT SELECT ON reaches TO jawab_console, jawab_report;
GRANT INSERT, UPDATE, DELETE ON reaches TO jawab_console;

-- Which promises were kept lately: the sweep that follows people's word looks at these alone, and at what was said lately.
DROP INDEX commitments_kept;
CREATE INDEX commitments_kept ON commitments (state_at) WHERE state = 'kept';
