-- The protected handler speaks to the reporter: what was told stands at the number, sealed under the number itself; who has
-- opened a case is known; a day to come back to it alarms.

ALTER TABLE sealed.cases
    ADD COLUMN closed_on date,                            -- until thirty days later it may be gainsaid
    ADD COLUMN follow_up_on date,                         -- when a reader means to come back to it
    ADD COLUMN follow_up_late boolean NOT NULL DEFAULT false;
GRANT UPDATE (closed_on, follow_up_on, follow_up_late) ON sealed.cases TO jawab_custody;

CREATE TABLE sealed.openings (                            -- which reader has opened which case, and when last
    case_id     uuid NOT NULL,
    staff_id    uuid NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (case_id, staff_id)
);
GRANT SELECT, INSERT, UPDATE ON sealed.openings TO jawab_custody;

CREATE TABLE sealed.said (                                -- what stands at a number; no key of the house opens it
    code_hash   bytea PRIMARY KEY,
    case_id     uuid NOT NULL,
    box         bytea NOT NULL                            -- padded, under a key made of the number
);
GRANT SELECT, INSERT, UPDATE ON sealed.said TO jawab_custody;

DROP FUNCTION sealed.case_by_code(bytea);
CREATE FUNCTION sealed.case_by_code(p_hash bytea)
RETURNS TABLE (case_id uuid, status text, due_resolve date, district_id text, closed_on date, said bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT c.id, c.status, c.due_resolve, c.district_id, c.closed_on,
        (SELECT s.box FROM sealed.said s WHERE s.code_hash = p_hash)
    FROM sealed.cases c
    WHERE c.code_hash = p_hash OR c.id = (SELECT o.case_id FROM sealed.codes o WHERE o.code_hash = p_hash)
$$;
REVOKE ALL ON FUNCTION sealed.case_by_code(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.case_by_code(bytea) TO jawab_intake;

-- Words that came by the number since a reader last opened it: seen by the readers without opening, until one does.
ALTER TABLE sealed.cases
    ADD COLUMN words_on date,
    DROP CONSTRAINT cases_status_check,
    ADD CONSTRAINT cases_status_check CHECK (status IN ('received', 'seen', 'in_progress', 'disputed', 'closed'));
GRANT UPDATE (words_on) ON sealed.cases TO jawab_custody;
CREATE FUNCTION sealed.note_words(p_case uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    UPDATE sealed.cases SET words_on = current_date WHERE id = p_case AND status <> 'received' AND words_on IS NULL
$$;
-- Whoever has the number says that it is not so: like an ordinary case it is open again, for thirty days after it closed.
CREATE FUNCTION sealed.dispute(p_case uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    UPDATE sealed.cases SET status = 'disputed', close_asked_by = NULL, close_asked_at = NULL
    WHERE id = p_case AND status = 'closed' AND closed_on >= current_date - 30
$$;
REVOKE ALL ON FUNCTION sealed.note_words(uuid), sealed.dispute(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.note_words(uuid), sealed.dispute(uuid) TO jawab_intake, jawab_custody;

-- Custody owes the reporter a message like any other, to the phone that the seal names.
GRANT SELECT ON channels TO jawab_custody;
GRANT SELECT (contact_id, edition_id) ON outbox TO jawab_custody;
GRANT INSERT ON outbox TO jawab_custody;
