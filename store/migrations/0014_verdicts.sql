-- How a case was decided stands beside what was done: a refusal, a half and a sending-on are no "done".
ALTER TABLE cases
    ADD COLUMN decision text CHECK (decision IN ('upheld', 'partly', 'refused', 'withdrawn')),
    ADD COLUMN told_at timestamptz,                       -- how it ended: since when its writer could know; null: not yet
    ADD COLUMN asked_by uuid,                             -- the message that asks whether it is so, while it is on its way
    ADD COLUMN asked_at timestamptz,                      -- when the last one that asked went out; null: they were not asked
    ADD COLUMN ask_count smallint NOT NULL DEFAULT 0,     -- how often it was asked since it ended, also in vain
    ADD COLUMN wish_at timestamptz,                       -- when its writer wished to take it back; null: they did not
    ADD COLUMN wish_why text CHECK (wish_why IN ('', 'solved', 'unneeded', 'pressed', 'silent')),
    ADD COLUMN wish_by text,                              -- 'citizen', or who at the desk wrote it down
    ADD CHECK ((wish_at IS NULL) = (wish_why IS NULL)),
    DROP CONSTRAINT cases_status_check,
    ADD CONSTRAINT cases_status_check CHECK (status IN
        ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'resolved', 'cannot', 'confirmed',
         'disputed', 'appealed', 'withdrawn', 'closed'));

UPDATE cases SET decision = CASE WHEN outcome LIKE 'cannot%' THEN 'refused' ELSE 'upheld' END, told_at = resolved_at
WHERE outcome IS NOT NULL AND outcome NOT IN ('sent_on', 'inspected');
UPDATE cases SET status = 'cannot' WHERE status = 'resolved' AND decision = 'refused';
-- What was only sent on or looked at was never done: it is open again, its clock runs on from where it was set.
INSERT INTO case_history (case_id, actor, verb, was, became)
SELECT id, 'operator', 'reopen', status, outcome FROM cases
WHERE status = 'resolved' AND outcome IN ('sent_on', 'inspected');
UPDATE clocks SET met_at = NULL FROM cases
WHERE cases.id = clocks.case_id AND kind = 'resolve' AND status = 'resolved' AND outcome IN ('sent_on', 'inspected');
UPDATE cases SET status = outcome, resolved_at = NULL,
    next_due = (SELECT min(due_at) FROM clocks WHERE case_id = cases.id AND met_at IS NULL)
WHERE status = 'resolved' AND outcome IN ('sent_on', 'inspected');

DROP INDEX cases_queue;
CREATE INDEX cases_queue ON cases (district_id, (status NOT IN ('disputed', 'appealed')), next_due, id) WHERE status IN
    ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly', 'disputed', 'appealed');
CREATE INDEX cases_asked_by ON cases (asked_by) WHERE asked_by IS NOT NULL;
CREATE INDEX cases_to_ask ON cases (told_at) WHERE status IN ('resolved', 'cannot') AND ask_count < 3;
GRANT SELECT (decision, told_at, asked_at, ask_count) ON cases TO jawab_report;

-- "Do you accept it?" is another question than "is it done?".
ALTER TABLE sessions
    DROP CONSTRAINT sessions_focus_kind_check,
    ADD CONSTRAINT sessions_focus_kind_check CHECK (focus_kind IN ('answer', 'confirm', 'accept', 'call', 'edition'));
UPDATE sessions SET focus_kind = 'accept' FROM cases
WHERE cases.id = focus_case AND focus_kind = 'confirm' AND cases.decision = 'refused';

-- A promise is kept by the promised deed alone, is confirmed by the person it was made for, and dropped with a reason.
ALTER TABLE commitments
    ADD COLUMN reason text,
    DROP CONSTRAINT commitments_state_check,
    ADD CONSTRAINT commitments_state_check CHECK (state IN ('open', 'kept', 'confirmed', 'dropped'));
UPDATE commitments SET reason = coalesce((SELECT outcome FROM cases WHERE cases.id = case_id AND outcome LIKE 'cannot%'),
    'otherwise') WHERE state = 'dropped';
ALTER TABLE commitments ADD CHECK ((state = 'dropped') = (reason IS NOT NULL));
