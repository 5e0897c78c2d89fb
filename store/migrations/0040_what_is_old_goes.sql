-- What is old goes by class (store/retention.py). The desk's role may delete none of these rows itself: it asks for what is
-- older than a moment, and never gets what is younger than three months, whatever it asks for.

CREATE INDEX consents_of_message ON consents (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE INDEX outbox_replaced ON outbox (created_at) WHERE purpose = 'reply' AND state = 'withdrawn' AND error = 'replaced';
CREATE INDEX alarms_over ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

-- Of a message only that it came: not one that a consent names, nor one whose copy at the provider is not gone yet.
CREATE FUNCTION let_husks_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := least(p_before, now() - interval '90 days');
    n bigint;
BEGIN
    IF p_dry THEN
        SELECT count(*) INTO n FROM inbox i WHERE i.received_at < moment AND i.state = 'done' AND i.body IS NULL
            AND NOT EXISTS (SELECT FROM consents c WHERE c.inbox_id = i.id)
            AND NOT EXISTS (SELECT FROM copies k WHERE k.id = i.id);
        RETURN n;
    END IF;
    WITH old AS (
        SELECT i.id FROM inbox i WHERE i.received_at < moment AND i.state = 'done' AND i.body IS NULL
            AND NOT EXISTS (SELECT FROM consents c WHERE c.inbox_id = i.id)
            AND NOT EXISTS (SELECT FROM copies k WHERE k.id = i.id)
        LIMIT p_most FOR UPDATE SKIP LOCKED)
    DELETE FROM inbox USING old WHERE inbox.id = old.id;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

-- A reply that another one took the place of before it left; not one that a thread names all the same.
CREATE FUNCTION let_replies_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := least(p_before, now() - interval '90 days');
    n bigint;
BEGIN
    IF p_dry THEN
        SELECT count(*) INTO n FROM outbox o
        WHERE o.purpose = 'reply' AND o.state = 'withdrawn' AND o.error = 'replaced' AND o.created_at < moment
            AND o.sent_at IS NULL AND NOT EXISTS (SELECT FROM case_items i WHERE i.outbox_id = o.id);
        RETURN n;
    END IF;
    WITH old AS (
        SELECT o.id FROM outbox o
        WHERE o.purpose = 'reply' AND o.state = 'withdrawn' AND o.error = 'replaced' AND o.created_at < moment
            AND o.sent_at IS NULL AND NOT EXISTS (SELECT FROM case_items i WHERE i.outbox_id = o.id)
        LIMIT p_most FOR UPDATE SKIP LOCKED)
    DELETE FROM outbox USING old WHERE outbox.id = old.id;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

CREATE FUNCTION let_alarms_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := least(p_before, now() - interval '90 days');
    n bigint;
BEGIN
    IF p_dry THEN
        SELECT count(*) INTO n FROM alarms WHERE cleared_at < moment;
        RETURN n;
    END IF;
    WITH old AS (SELECT id FROM alarms WHERE cleared_at < moment LIMIT p_most FOR UPDATE SKIP LOCKED)
    DELETE FROM alarms USING old WHERE alarms.id = old.id;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

CREATE FUNCTION let_told_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last date := least(p_before, now() - interval '90 days')::date;
    n bigint;
BEGIN
    IF p_dry THEN
        SELECT count(*) INTO n FROM supervisors_told WHERE day < last;
        RETURN n;
    END IF;
    WITH old AS (SELECT staff_id, day FROM supervisors_told WHERE day < last LIMIT p_most FOR UPDATE SKIP LOCKED)
    DELETE FROM supervisors_told t USING old WHERE t.staff_id = old.staff_id AND t.day = old.day;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

REVOKE ALL ON FUNCTION let_husks_go(timestamptz, int, boolean), let_replies_go(timestamptz, int, boolean),
    let_alarms_go(timestamptz, int, boolean), let_told_go(timestamptz, int, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION let_husks_go(timestamptz, int, boolean), let_replies_go(timestamptz, int, boolean),
    let_alarms_go(timestamptz, int, boolean), let_told_go(timestamptz, int, boolean) TO jawab_console;
