-- What was told of each case, for the figures: one row for each line of its thread that told its writer of an act. No
-- words, no person, no number. `reached_at` is when the message left us and came to no bad end, `by_code` that none may
-- be sent and the line is read by who has the code.
CREATE VIEW told_of_cases AS
    SELECT i.case_id, i.verb, i.at, i.outbox_id IS NULL AS by_code,
        CASE WHEN o.state IN ('sent', 'delivered', 'read') THEN o.sent_at END AS reached_at
    FROM case_items i LEFT JOIN outbox o ON o.id = i.outbox_id
    WHERE i.kind = 'said';
GRANT SELECT ON told_of_cases TO jawab_report, jawab_console;

-- What left us, by whose number and of what kind: money and messages are reckoned from it. No person is in it.
CREATE VIEW outgoing AS
    SELECT ch.district_id, ch.id AS channel_id, ch.kind, ch.provider, o.purpose, o.case_id, o.edition_id, o.sent_at
    FROM outbox o JOIN contacts c ON c.id = o.contact_id JOIN channels ch ON ch.id = c.channel_id
    WHERE o.sent_at IS NOT NULL;
GRANT SELECT ON outgoing TO jawab_console;
