-- What a turn must know of a phone stands in its one session row: what we asked of it last by ourselves, and whether it
-- was ever given a number (a mark: the number itself is nowhere here, whichever side of the door it is on).

ALTER TABLE sessions
    ADD COLUMN focus_kind text CHECK (focus_kind IN ('answer', 'confirm', 'call', 'edition')),
    ADD COLUMN focus_case uuid,                           -- a case or a kept card; null: an edition
    ADD COLUMN focus_at timestamptz,
    ADD COLUMN given_at timestamptz;

ALTER TABLE cases ADD COLUMN last_said bytea;             -- encrypted: the last answer, for whoever sends the code
ALTER TABLE case_items ADD COLUMN by_code boolean NOT NULL DEFAULT false;   -- from another phone, by who had the code

-- Who has a case, or had one sorted, was given a number; what was asked and not yet answered is asked still.
UPDATE sessions SET given_at = now()
WHERE EXISTS (SELECT FROM cases WHERE cases.contact_id = sessions.contact_id)
   OR EXISTS (SELECT FROM sorting WHERE sorting.contact_id = sessions.contact_id);
UPDATE sessions SET focus_kind = 'confirm', focus_case = asked.id, focus_at = asked.resolved_at
FROM (
    SELECT DISTINCT ON (contact_id) contact_id, id, resolved_at FROM cases
    WHERE status = 'resolved' AND may_message ORDER BY contact_id, resolved_at DESC
) AS asked
WHERE asked.contact_id = sessions.contact_id;

GRANT SELECT (contact_id, focus_kind, focus_case, focus_at, version) ON sessions TO jawab_console;
GRANT UPDATE (focus_kind, focus_case, focus_at, version) ON sessions TO jawab_console;
