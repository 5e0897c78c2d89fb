-- Whoever lost the number is known by a safe word, the month and the tehsil, and given a new number; the old one ends.

ALTER TABLE case_items
    DROP CONSTRAINT case_items_kind_check,
    ADD CONSTRAINT case_items_kind_check
        CHECK (kind IN ('story', 'more', 'location', 'media', 'answer', 'note', 'said', 'safe_word'));
CREATE INDEX case_items_safe_words ON case_items (case_id) WHERE kind = 'safe_word';

-- ── words that matched nothing: who asked, for the limit of an hour ─────────────────────────────────────────────────
CREATE TABLE word_tries (
    staff_id uuid NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX word_tries_of ON word_tries (staff_id, at);
GRANT SELECT ON word_tries TO jawab_console;
GRANT INSERT (staff_id) ON word_tries TO jawab_console;  -- its time is the database's
CREATE TABLE sealed.word_tries (
    staff_id uuid NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sealed_word_tries_of ON sealed.word_tries (staff_id, at);
GRANT SELECT ON sealed.word_tries TO jawab_custody;
GRANT INSERT (staff_id) ON sealed.word_tries TO jawab_custody;

-- What counts against somebody cannot be taken away while it counts.
CREATE OR REPLACE FUNCTION sealed.forget_looks() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    WITH tries AS (DELETE FROM sealed.word_tries WHERE at < now() - interval '1 day'),
        gone AS (DELETE FROM sealed.looks WHERE at < now() - interval '1 day' RETURNING 1) SELECT count(*) FROM gone
$$;
CREATE OR REPLACE FUNCTION forget_code_tries() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH tries AS (DELETE FROM word_tries WHERE at < now() - interval '1 day'),
        gone AS (DELETE FROM code_tries WHERE at < now() - interval '1 day' RETURNING 1) SELECT count(*) FROM gone
$$;

-- ── a new number ───────────────────────────────────────────────────────────────────────────────────────────────────
-- The further numbers of an ordinary case end with its own, which was said before the case was there.
CREATE FUNCTION end_numbers(p_case uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM joined WHERE case_id = p_case;
    DELETE FROM reserved WHERE code = (SELECT code FROM cases WHERE id = p_case);
$$;
-- A sealed case's numbers that ended show nothing to whoever asks; words that still come under one go into the case.
ALTER TABLE sealed.codes ADD COLUMN ended boolean NOT NULL DEFAULT false;
CREATE FUNCTION sealed.renumber(p_case uuid, p_hash bytea, p_day bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    UPDATE sealed.codes SET ended = true WHERE case_id = p_case;
    INSERT INTO sealed.codes (code_hash, case_id, day_box, ended)
        SELECT code_hash, id, day_box, true FROM sealed.cases WHERE id = p_case;
    DELETE FROM sealed.said WHERE case_id = p_case;
    UPDATE sealed.cases SET code_hash = p_hash, day_box = p_day WHERE id = p_case;
$$;
DROP FUNCTION sealed.case_by_code(bytea);
CREATE FUNCTION sealed.case_by_code(p_hash bytea)
RETURNS TABLE (case_id uuid, status text, day_box bytea, district_id text, closed_on date, said bytea, ended boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT c.id, c.status, n.day_box, c.district_id, c.closed_on,
        (SELECT s.box FROM sealed.said s WHERE s.code_hash = p_hash), n.ended
    FROM (SELECT id, day_box, false AS ended FROM sealed.cases WHERE code_hash = p_hash
          UNION ALL SELECT case_id, day_box, ended FROM sealed.codes WHERE code_hash = p_hash) AS n
    JOIN sealed.cases c ON c.id = n.id
$$;
REVOKE ALL ON FUNCTION end_numbers(uuid), sealed.renumber(uuid, bytea, bytea), sealed.case_by_code(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_numbers(uuid) TO jawab_console;
GRANT EXECUTE ON FUNCTION sealed.renumber(uuid, bytea, bytea) TO jawab_custody;
GRANT EXECUTE ON FUNCTION sealed.case_by_code(bytea) TO jawab_intake;
