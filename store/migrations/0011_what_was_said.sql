-- What a person was told of their case stands in its thread as they saw it, one line for each message: `verb` is the
-- act that it tells, `outbox_id` the message that carried it. Without one they may not be messaged: the line is read by
-- who has the code. The words live here, and what became of the message in its own row.
ALTER TABLE case_items
    ADD COLUMN verb text,
    DROP CONSTRAINT case_items_kind_check,
    ADD CONSTRAINT case_items_kind_check CHECK (kind IN ('story', 'more', 'location', 'media', 'answer', 'note', 'said')),
    ADD CHECK ((kind = 'said') = (verb IS NOT NULL));
CREATE INDEX case_items_said ON case_items (case_id, verb, at) WHERE kind = 'said';

-- Whether people were told is counted apart from whether somebody read what they wrote. No words leave.
GRANT SELECT (case_id, at, kind, verb, outbox_id) ON case_items TO jawab_report;
GRANT SELECT (id, state, sent_at) ON outbox TO jawab_report;
