-- Lists and sweeps that touch what they show, however many cases there are; and every key that points at a row which may
-- go one day can be looked up. Made under a lock: how long it takes at a million cases stands in docs/runbook.md.

-- ── the desk's lists ───────────────────────────────────────────────────────────────────────────────────────────────
-- A page is picked out of an index alone, in its order, with what people filter by beside it; only its fifty rows are then
-- read. What an index holds is asked with the very words of its condition (desk/queue.py).
DROP INDEX cases_queue;
CREATE INDEX cases_open ON cases
    (district_id, (status NOT IN ('disputed', 'appealed')), next_due, id)
    INCLUDE (status, category, place_id, office_id, assigned_to, draft)
    WHERE contact_id IS NOT NULL
        AND status IN ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'disputed', 'appealed');
CREATE INDEX cases_open_everywhere ON cases
    ((status NOT IN ('disputed', 'appealed')), next_due, id)
    INCLUDE (district_id, status, category, place_id, office_id, assigned_to, draft)
    WHERE contact_id IS NOT NULL
        AND status IN ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'disputed', 'appealed');
CREATE INDEX cases_gainsaid ON cases (district_id, next_due, id)
    INCLUDE (status, category, place_id, office_id, assigned_to, draft)
    WHERE contact_id IS NOT NULL AND status IN ('disputed', 'appealed');
CREATE INDEX cases_open_of ON cases
    (assigned_to, (status NOT IN ('disputed', 'appealed')), next_due, id)
    INCLUDE (district_id, status, category, place_id, office_id, draft)
    WHERE assigned_to IS NOT NULL AND contact_id IS NOT NULL
        AND status IN ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'disputed', 'appealed');
CREATE INDEX cases_open_drafts ON cases
    (district_id, (status NOT IN ('disputed', 'appealed')), next_due, id)
    INCLUDE (status, category, place_id, office_id, assigned_to)
    WHERE draft AND contact_id IS NOT NULL
        AND status IN ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'disputed', 'appealed');
CREATE INDEX cases_open_unnamed ON cases
    (district_id, (status NOT IN ('disputed', 'appealed')), next_due, id)
    INCLUDE (status, category, place_id, assigned_to, draft)
    WHERE office_id IS NULL AND contact_id IS NOT NULL
        AND status IN ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'disputed', 'appealed');
CREATE INDEX cases_done ON cases (district_id, opened_at DESC, id DESC)
    INCLUDE (status, category, place_id, office_id, assigned_to, draft)
    WHERE contact_id IS NOT NULL AND status IN ('resolved', 'cannot', 'confirmed', 'withdrawn', 'closed');
CREATE INDEX cases_done_everywhere ON cases (opened_at DESC, id DESC)
    WHERE contact_id IS NOT NULL AND status IN ('resolved', 'cannot', 'confirmed', 'withdrawn', 'closed');
CREATE INDEX cases_done_by ON cases (assigned_to, opened_at DESC, id DESC)
    WHERE assigned_to IS NOT NULL AND contact_id IS NOT NULL
        AND status IN ('resolved', 'cannot', 'confirmed', 'withdrawn', 'closed');
-- Whose page says that they were not reached: looked up for each line of a page.
CREATE INDEX outbox_unreached ON outbox (case_id)
    WHERE purpose = 'case' AND notice_of IS NULL AND (missed OR stood IS NOT NULL);
-- An index alone is enough only where the table was tidied lately: a fifth of a million rows is too long to wait for.
ALTER TABLE cases SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.01);

-- ── sweeps ─────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE INDEX outbox_parked_ends ON outbox (expires_at) WHERE state = 'parked';
CREATE INDEX cases_disputed ON cases (id) INCLUDE (outcome) WHERE status = 'disputed';
CREATE INDEX commitments_of_case ON commitments (case_id);       -- the page of a case too
CREATE INDEX commitments_kept ON commitments (case_id, action) WHERE state = 'kept';
DROP INDEX cases_to_ask;
CREATE INDEX cases_to_ask ON cases (told_at)
    WHERE status IN ('resolved', 'cannot') AND ask_count IN (1, 2) AND asked_by IS NULL AND may_message
        AND contact_id IS NOT NULL;
CREATE INDEX copies_gone ON copies (ended_at) WHERE state = 'gone';
CREATE INDEX inbox_open ON inbox (received_at) WHERE state IN ('undone', 'unrouted', 'dead');
-- What one person is owed: found by the very words of its condition and by no other, or a claim goes through it for all that
-- is queued instead of taking the first.
DROP INDEX outbox_of_person;
CREATE INDEX outbox_of_person ON outbox (contact_id) WHERE (state IN ('queued', 'sending')) IS TRUE;
-- After a fan-out nobody must plan as if nothing were queued.
ALTER TABLE outbox SET (autovacuum_analyze_scale_factor = 0.01, autovacuum_vacuum_scale_factor = 0.02);

-- ── keys that point at rows which go one day ───────────────────────────────────────────────────────────────────────
CREATE INDEX case_items_of_message ON case_items (outbox_id) WHERE outbox_id IS NOT NULL;
CREATE INDEX case_items_of_file ON case_items (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX links_of_message ON links (outbox_id) WHERE outbox_id IS NOT NULL;
CREATE INDEX links_of_code_message ON links (code_outbox_id) WHERE code_outbox_id IS NOT NULL;
CREATE INDEX links_of_mail ON links (mail_id) WHERE mail_id IS NOT NULL;
CREATE INDEX links_of_code_mail ON links (code_mail_id) WHERE code_mail_id IS NOT NULL;
CREATE INDEX link_sessions_of_link ON link_sessions (link_id);
CREATE INDEX letters_of_link ON letters (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX office_lines_of_referral ON office_lines (referral_id);
-- No contact is ever deleted (decision 36): its messages, which every turn writes, need no such index.
CREATE INDEX consents_of_contact ON consents (contact_id);
CREATE INDEX media_of_contact ON media (contact_id);
CREATE INDEX ratings_of_contact ON ratings (contact_id);
