-- An edition tells exactly of [from_at, until_at): a week, or its days up to a cut-off at which the next one begins.
-- `edits` is what its editor did to the lines: their order, what was joined, what was left out and why. `passed` is whom
-- its fan-out passed over, by reason: with its messages they are everybody who had asked.
ALTER TABLE editions
    ADD COLUMN from_at timestamptz,
    ADD COLUMN until_at timestamptz,
    ADD COLUMN edits jsonb NOT NULL DEFAULT '{}',             -- {order: {section: [mark]}, joined: [[item]], dropped: [{item, reason, by, at}]}
    ADD COLUMN passed jsonb NOT NULL DEFAULT '{}';            -- {doubles, stopped, unreachable}: how many

-- What was drafted while its week still ran told of the days up to then; the next edition begins there.
UPDATE editions SET from_at = monday, until_at = least(monday + interval '7 days', greatest(drafted_at, monday))
FROM (SELECT e.id AS held, to_date(e.week, 'IYYY"-W"IW')::timestamp AT TIME ZONE d.timezone AS monday
      FROM editions e JOIN districts d ON d.id = e.district_id) AS begun
WHERE editions.id = begun.held;

ALTER TABLE editions
    ALTER COLUMN from_at SET NOT NULL,
    ALTER COLUMN until_at SET NOT NULL,
    ADD CHECK (from_at <= until_at);

-- How many an edition reached is public, in fives; who they are is not.
GRANT SELECT (from_at, until_at, passed) ON editions TO jawab_report;
GRANT SELECT (edition_id) ON outbox TO jawab_report;
