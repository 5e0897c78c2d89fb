-- What went out as a template has told what the template says: that a person has read, or the question whether it is
-- done. One that only knocks has told nothing until the words follow. What it was sent as is part of what it cost.
CREATE OR REPLACE VIEW told_of_cases AS
    SELECT i.case_id, i.verb, i.at, i.outbox_id IS NULL AS by_code,
        CASE WHEN o.state IN ('sent', 'delivered', 'read')
            AND (NOT o.missed OR o.template IN ('acknowledged', 'done')) THEN o.sent_at END AS reached_at
    FROM case_items i LEFT JOIN outbox o ON o.id = i.outbox_id
    WHERE i.kind = 'said';

CREATE OR REPLACE VIEW outgoing AS
    SELECT ch.district_id, ch.id AS channel_id, ch.kind, ch.provider, o.purpose, o.case_id, o.edition_id, o.sent_at,
        o.template
    FROM outbox o JOIN contacts c ON c.id = o.contact_id JOIN channels ch ON ch.id = c.channel_id
    WHERE o.sent_at IS NOT NULL;
