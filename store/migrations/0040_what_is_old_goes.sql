-- What is old goes by class (store/retention.py). The desk's role may delete none of these rows itself: it asks for what is
-- older than a moment, and never gets what is younger than three months, whatever it asks for.

CREATE INDEX consents_of_message ON consents (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE INDEX outbox_replaced ON outbox (created_at) WHERE purpose = 'reply' AND state = 'withdrawn' AND error = 'replaced';
CREATE INDEX alarms_over ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

-- Each is one statement: a dry run counts the very rows that would go, and there is no second list of what is old.
-- Of a message only that it came: not one that a consent names, nor one whose copy at the provider is not gone yet.
CREATE FUNCTION let_husks_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT i.id FROM inbox i WHERE i.received_at < least(p_before, now() - interval '90 days')
            AND i.state = 'done' AND i.body IS NULL
            AND NOT EXISTS (SELECT FROM consents c WHERE c.inbox_id = i.id)
            AND NOT EXISTS (SELECT FROM copies k WHERE k.id = i.id)
        LIMIT CASE WHEN NOT p_dry THEN p_most END FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM inbox USING old WHERE NOT p_dry AND inbox.id = old.id RETURNING 1)
    SELECT CASE WHEN p_dry THEN (SELECT count(*) FROM old) ELSE (SELECT count(*) FROM gone) END
$$;

-- A reply that another one took the place of before it left; not one that a thread names all the same.
CREATE FUNCTION let_replies_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT o.id FROM outbox o WHERE o.purpose = 'reply' AND o.state = 'withdrawn' AND o.error = 'replaced'
            AND o.created_at < least(p_before, now() - interval '90 days') AND o.sent_at IS NULL
            AND NOT EXISTS (SELECT FROM case_items i WHERE i.outbox_id = o.id)
        LIMIT CASE WHEN NOT p_dry THEN p_most END FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM outbox USING old WHERE NOT p_dry AND outbox.id = old.id RETURNING 1)
    SELECT CASE WHEN p_dry THEN (SELECT count(*) FROM old) ELSE (SELECT count(*) FROM gone) END
$$;

CREATE FUNCTION let_alarms_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT a.id FROM alarms a WHERE a.cleared_at < least(p_before, now() - interval '90 days')
        LIMIT CASE WHEN NOT p_dry THEN p_most END FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM alarms USING old WHERE NOT p_dry AND alarms.id = old.id RETURNING 1)
    SELECT CASE WHEN p_dry THEN (SELECT count(*) FROM old) ELSE (SELECT count(*) FROM gone) END
$$;

CREATE FUNCTION let_told_go(p_before timestamptz, p_most int, p_dry boolean) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT t.staff_id, t.day FROM supervisors_told t WHERE t.day < least(p_before, now() - interval '90 days')::date
        LIMIT CASE WHEN NOT p_dry THEN p_most END FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM supervisors_told USING old WHERE NOT p_dry AND supervisors_told.staff_id = old.staff_id AND supervisors_told.day = old.day RETURNING 1)
    SELECT CASE WHEN p_dry THEN (SELECT count(*) FROM old) ELSE (SELECT count(*) FROM gone) END
$$;

REVOKE ALL ON FUNCTION let_husks_go(timestamptz, int, boolean), let_replies_go(timestamptz, int, boolean),
    let_alarms_go(timestamptz, int, boolean), let_told_go(timestamptz, int, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION let_husks_go(timestamptz, int, boolean), let_replies_go(timestamptz, int, boolean),
    let_alarms_go(timestamptz, int, boolean), let_told_go(timestamptz, int, boolean) TO jawab_console;
