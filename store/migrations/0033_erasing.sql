-- Erasing: what a person takes back goes, counts stay; what was erased is listed by ids, so that a restore does not bring
-- it back; and the provider's copies of words and files are asked to go, until they do.

-- ── what was erased ────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE erasures (
    what text NOT NULL CHECK (what IN ('contact', 'case', 'card', 'sealed')),
    id   uuid NOT NULL,                                   -- of a row that holds nothing of a person any more
    at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (what, id)
);
CREATE TRIGGER erasures_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Only the operator's command erases what is ordinary; the desk cannot.
GRANT SELECT, INSERT ON erasures TO jawab_operator;
GRANT UPDATE (address_tag, address_box, person_tag, reached_tag, reached_box, weekly_since, lang, stopped_at)
    ON contacts TO jawab_operator;
GRANT UPDATE (state, body, error), SELECT (provider_id) ON inbox TO jawab_operator;
GRANT DELETE ON sessions, media, sorting TO jawab_operator;

-- ── the provider's copies ──────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE copies (
    id         uuid PRIMARY KEY,                          -- of the message, or of the file
    channel_id uuid NOT NULL REFERENCES channels,
    kind       text NOT NULL CHECK (kind IN ('message', 'file')),
    box        bytea,                                     -- encrypted: what the provider knows it by; null once it is gone
    due_at     timestamptz NOT NULL DEFAULT now(),
    attempts   int NOT NULL DEFAULT 0,
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'gone', 'kept')),
    ended_at   timestamptz
);
CREATE INDEX copies_due ON copies (due_at) WHERE state = 'waiting';
CREATE INDEX inbox_lately ON inbox USING brin (received_at) WITH (autosummarize = on);
GRANT SELECT, INSERT, UPDATE, DELETE ON copies TO jawab_intake;
GRANT SELECT, INSERT ON copies TO jawab_operator;
GRANT UPDATE (due_at, state) ON copies TO jawab_operator;
GRANT SELECT (id, state, attempts, due_at) ON copies TO jawab_console;

-- ── what is held about an address ──────────────────────────────────────────────────────────────────────────────────
-- By the names of columns, so that a table that is added later is not forgotten.
CREATE FUNCTION held_about(p_contacts uuid[], p_things uuid[]) RETURNS TABLE (held text, rows bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT c.table_name AS name, bool_or(c.column_name = 'contact_id') AS direct,
               min(c.column_name) FILTER (WHERE c.column_name <> 'contact_id') AS other
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
          AND c.column_name IN ('contact_id', 'case_id', 'card') AND c.data_type = 'uuid'
        GROUP BY c.table_name ORDER BY c.table_name
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L::text, count(*) FROM %I WHERE %s', one.name, one.name, CASE
            WHEN one.direct AND one.other IS NOT NULL THEN format('contact_id = ANY($1) OR %I = ANY($2)', one.other)
            WHEN one.direct THEN 'contact_id = ANY($1)' ELSE format('%I = ANY($2)', one.other) END)
            USING p_contacts, p_things;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION held_about(uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_about(uuid[], uuid[]) TO jawab_operator;

-- ── behind the door ────────────────────────────────────────────────────────────────────────────────────────────────
-- One reader asks, another does it, each in their own session: nobody makes a case go alone.
ALTER TABLE sealed.cases ADD COLUMN erase_asked_by uuid, ADD COLUMN erase_asked_at timestamptz,
    ADD CHECK ((erase_asked_by IS NULL) = (erase_asked_at IS NULL));
CREATE FUNCTION sealed.empty(p_case uuid) RETURNS void
LANGUAGE plpgsql SET search_path = sealed, pg_temp AS $$
DECLARE
    one name;
BEGIN
    DELETE FROM sealed.wraps WHERE item_id IN (SELECT id FROM sealed.items WHERE case_id = p_case);
    -- Whatever hangs on a sealed case, tables that are added later too.
    FOR one IN SELECT table_name FROM information_schema.columns
               WHERE table_schema = 'sealed' AND column_name = 'case_id' AND data_type = 'uuid' LOOP
        EXECUTE format('DELETE FROM sealed.%I WHERE case_id = $1', one) USING p_case;
    END LOOP;
    DELETE FROM public.media WHERE sealed_case_id = p_case;
    UPDATE sealed.cases SET status = 'closed', overdue = false, recipients = '{}', close_asked_by = NULL,
        close_asked_at = NULL, erase_asked_by = NULL, erase_asked_at = NULL,
        code_hash = sha256(convert_to(gen_random_uuid()::text, 'UTF8')) WHERE id = p_case;
    INSERT INTO public.erasures (what, id) VALUES ('sealed', p_case) ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION sealed.ask_erase(p_case uuid, p_reader uuid, p_secret text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
BEGIN
    UPDATE sealed.cases SET erase_asked_by = p_reader, erase_asked_at = now()
    WHERE id = p_case AND p_reader = ANY (recipients);
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM public.audit_write(p_reader::text, 'protected.ask_erase', p_case::text, p_secret);
    RETURN true;
END $$;
CREATE FUNCTION sealed.erase(p_case uuid, p_reader uuid, p_secret text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
BEGIN
    PERFORM FROM sealed.cases WHERE id = p_case AND p_reader = ANY (recipients) AND erase_asked_by <> p_reader
        AND erase_asked_at > now() - interval '7 days' FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM public.audit_write(p_reader::text, 'protected.erase', p_case::text, p_secret);
    PERFORM sealed.empty(p_case);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION sealed.empty(uuid), sealed.ask_erase(uuid, uuid, text), sealed.erase(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.ask_erase(uuid, uuid, text), sealed.erase(uuid, uuid, text) TO jawab_custody;
