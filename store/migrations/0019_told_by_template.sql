-- A template is kept with its language ("done:ur"): it tells what its purpose tells, in whichever of them. Beside whether
-- a message has told of its act stands whether it is on its way, and whether its reader only knows that something waits.
CREATE OR REPLACE VIEW told_of_cases AS
    SELECT i.case_id, i.verb, i.at, i.outbox_id IS NULL AS by_code,
        CASE WHEN o.state IN ('sent', 'delivered', 'read')
            AND (NOT o.missed OR split_part(o.template, ':', 1) IN ('acknowledged', 'done')) THEN o.sent_at END AS reached_at,
        coalesce(o.state IN ('queued', 'sending'), false) AS under_way,
        coalesce(o.missed AND (o.error = 'told:sms' OR (o.state IN ('sent', 'delivered', 'read')
            AND split_part(o.template, ':', 1) NOT IN ('acknowledged', 'done'))), false) AS noticed
    FROM case_items i LEFT JOIN outbox o ON o.id = i.outbox_id
    WHERE i.kind = 'said';
