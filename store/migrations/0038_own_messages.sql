-- What a page of a case shows depends on the messages of that case alone, never on what else its phone wrote, to another
-- case, to nobody, or behind the protected door: whoever reads the page could tell from it that the phone spoke elsewhere.

-- `heard_at`: when the case that a message is about was last heard of: by that its window, STOP and wrong
-- numbers are reckoned. `stood` and `stood_error`: what its state was when a message that need not be about its case let
-- it go; the desk goes on seeing that until its case is heard again. `stop_at`: the last STOP, which other words do not
-- take back.
ALTER TABLE outbox ADD COLUMN heard_at timestamptz, ADD COLUMN stood text, ADD COLUMN stood_error text;
ALTER TABLE contacts ADD COLUMN stop_at timestamptz;
UPDATE contacts SET stop_at = stopped_at;
GRANT SELECT (freed_at, stood) ON outbox TO jawab_custody;

-- When a case was last heard of from its own phone, and in which language it spoke then. Whoever was told that something
-- waits and then wrote anything has answered that.
CREATE VIEW heard_of_cases AS
    SELECT c.id AS case_id, greatest(c.opened_at, words.at, acts.at, knock.at) AS at,
        coalesce(nullif(words.lang, ''), nullif(c.lang, ''), 'ur') AS lang
    FROM cases c
    LEFT JOIN LATERAL (
        SELECT i.at, i.lang FROM case_items i WHERE i.case_id = c.id AND i.author = 'citizen' AND NOT i.by_code
        ORDER BY i.at DESC LIMIT 1) words ON true
    LEFT JOIN LATERAL (
        SELECT max(h.at) AS at FROM case_history h
        WHERE h.case_id = c.id AND h.actor = 'citizen' AND coalesce(h.data->>'by_code', 'false') = 'false') acts ON true
    LEFT JOIN LATERAL (
        SELECT max(o.freed_at) AS at FROM outbox o WHERE o.case_id = c.id AND o.stood IS NULL) knock ON true;
GRANT SELECT ON heard_of_cases TO jawab_intake, jawab_console, jawab_custody;

-- The outbox as the desk sees it of a case: what was let go by other words stands as it stood before, and is given up
-- when it would have been.
CREATE VIEW outbox_of_cases AS
    SELECT o.id, o.case_id, o.purpose, o.notice_of, o.template, o.created_at,
        CASE WHEN NOT f.apart THEN o.state WHEN f.over THEN 'failed' ELSE o.stood END AS state,
        CASE WHEN NOT f.apart THEN o.error WHEN f.over THEN 'not_reached:expired' ELSE o.stood_error END AS error,
        CASE WHEN NOT f.apart THEN o.sent_at END AS sent_at,
        f.apart OR o.missed AS missed
    FROM outbox o CROSS JOIN LATERAL (
        SELECT s.apart, s.apart AND o.stood = 'parked' AND o.created_at <= now() - interval '7 days' AS over
        FROM (SELECT CASE WHEN o.stood IS NULL THEN false ELSE NOT EXISTS (
            SELECT FROM heard_of_cases h WHERE h.case_id = o.case_id AND h.at >= o.freed_at) END AS apart) s) f;
GRANT SELECT ON outbox_of_cases TO jawab_console, jawab_custody;

CREATE OR REPLACE VIEW told_of_cases AS
    SELECT i.case_id, i.verb, i.at, i.outbox_id IS NULL AS by_code,
        CASE WHEN o.state IN ('sent', 'delivered', 'read')
            AND (NOT o.missed OR split_part(o.template, ':', 1) IN ('acknowledged', 'done')) THEN o.sent_at END AS reached_at,
        coalesce(o.state IN ('queued', 'sending'), false) AS under_way,
        coalesce(o.missed AND (o.error = 'told:sms' OR (o.state IN ('sent', 'delivered', 'read')
            AND split_part(o.template, ':', 1) NOT IN ('acknowledged', 'done'))), false) AS noticed
    FROM case_items i LEFT JOIN outbox_of_cases o ON o.id = i.outbox_id
    WHERE i.kind = 'said';
