-- What would tell for good which phone a sealed case came from goes: numbers in clear beside a phone, the moment at which
-- a number was given, days where a week is enough, and the order in which sealed rows were written.

-- ── what is only on its way stands under the key of its hour (store/hours.py) ──────────────────────────────────────
-- A card's number is found by a keyed hash of it, and the sealed case that a file goes to is in a box: beside both stands
-- whose they are. What was written before is moved there by the first run of the job `forget`.
ALTER TABLE sorting
    ALTER COLUMN code DROP NOT NULL,
    ADD COLUMN code_tag bytea,
    ADD COLUMN code_box bytea,                            -- encrypted
    ADD CHECK ((code IS NULL) = (code_tag IS NOT NULL AND code_box IS NOT NULL));
CREATE INDEX sorting_by_code ON sorting (code_tag);
-- The same words sealed to whoever reads behind the door: after a restore, which brings no key of an hour back, they go there.
ALTER TABLE sorting ADD COLUMN copies bytea[] NOT NULL DEFAULT '{}';
ALTER TABLE media ADD COLUMN sealed_box bytea;            -- encrypted id of a sealed case: the chore seals it and deletes this row
ALTER TABLE media ADD COLUMN hour int;                    -- whose key its bytes stand under; null: they are a case's, or not here
CREATE INDEX media_brief ON media (hour) WHERE hour IS NOT NULL;
CREATE INDEX media_to_seal ON media (id) WHERE sealed_box IS NOT NULL OR sealed_case_id IS NOT NULL;
GRANT UPDATE (sealed_box), DELETE ON media TO jawab_custody;
-- Of answers of before nothing is left but that they went: they held numbers, under a key that stays.
UPDATE outbox SET message = '' WHERE purpose = 'reply' AND NOT missed
    AND state IN ('sent', 'delivered', 'read', 'undelivered', 'failed', 'withdrawn');

-- ── both sides of the door keep one mark: that a number was given, not when ────────────────────────────────────────
ALTER TABLE sessions ADD COLUMN given boolean NOT NULL DEFAULT false;
UPDATE sessions SET given = true WHERE given_at IS NOT NULL;
ALTER TABLE sessions DROP COLUMN given_at;

-- ── of a sealed case the weeks are told ────────────────────────────────────────────────────────────────────────────
-- Whoever has its code is told the day, which a key made from the code opens. What the row holds of the code is another
-- hash of its hash than that key is, so that the row opens nothing by itself. A date is the last day of its week.
ALTER TABLE sealed.cases ADD COLUMN day_box bytea, DROP CONSTRAINT cases_recipients_bound;
ALTER TABLE sealed.codes ADD COLUMN day_box bytea;
CREATE FUNCTION pg_temp.day_box(hash bytea, due date) RETURNS bytea LANGUAGE sql AS $$
    SELECT int4send((('x' || encode(substring(sha256('day'::bytea || hash) for 4), 'hex'))::bit(32)::int)
        # (due - date '2000-01-01'))
$$;
UPDATE sealed.codes SET day_box = pg_temp.day_box(sealed.codes.code_hash, c.due_resolve),
    code_hash = sha256('code'::bytea || sealed.codes.code_hash)
FROM sealed.cases c WHERE c.id = case_id;
UPDATE sealed.said SET code_hash = sha256('code'::bytea || code_hash);
UPDATE sealed.cases SET day_box = pg_temp.day_box(code_hash, due_resolve),
    code_hash = sha256('code'::bytea || code_hash),
    due_acknowledge = date_trunc('week', due_acknowledge)::date + 6,
    due_resolve = date_trunc('week', due_resolve)::date + 6,
    words_on = date_trunc('week', words_on)::date + 6;
ALTER TABLE sealed.cases ALTER COLUMN day_box SET NOT NULL;
ALTER TABLE sealed.cases ADD CONSTRAINT cases_recipients_bound CHECK (recipients_mac IS NOT NULL) NOT VALID;
DROP FUNCTION pg_temp.day_box(bytea, date);
DROP FUNCTION sealed.case_by_code(bytea);
CREATE FUNCTION sealed.case_by_code(p_hash bytea)
RETURNS TABLE (case_id uuid, status text, day_box bytea, district_id text, closed_on date, said bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT c.id, c.status, n.day_box, c.district_id, c.closed_on,
        (SELECT s.box FROM sealed.said s WHERE s.code_hash = p_hash)
    FROM (SELECT id, day_box FROM sealed.cases WHERE code_hash = p_hash
          UNION ALL SELECT case_id, day_box FROM sealed.codes WHERE code_hash = p_hash) AS n
    JOIN sealed.cases c ON c.id = n.id
$$;
REVOKE ALL ON FUNCTION sealed.case_by_code(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.case_by_code(bytea) TO jawab_intake;
-- When words came is told by the week too: they are looked for once it is over.
CREATE OR REPLACE FUNCTION sealed.note_words(p_case uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    UPDATE sealed.cases SET words_on = date_trunc('week', current_date)::date + 6
    WHERE id = p_case AND status <> 'received' AND words_on IS NULL
$$;

-- ── no order of sealed rows lasts ──────────────────────────────────────────────────────────────────────────────────
-- The whole room is written anew by one transaction, each table in an order drawn by lot and the boxes of a case,
-- and of a drop, counted from one: no transaction, place or number ties a sealed row to what else was written with it. Where
-- somebody writes there now it gives up (lock_not_available); who comes meanwhile waits.
CREATE TABLE sealed.mixed (xid text NOT NULL);             -- the transaction that did it last
-- The tables of the room. Those that point to others, or that nobody may empty, hold who may read there and nothing that a
-- citizen's message wrote.
CREATE FUNCTION sealed.room() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class c
    WHERE c.relnamespace = 'sealed'::regnamespace AND c.relkind = 'r'
        AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND c.oid IN (f.conrelid, f.confrelid))
        AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
$$;
CREATE FUNCTION sealed.mix() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one text;
    room text[] := sealed.room();
BEGIN
    FOREACH one IN ARRAY room LOOP                        -- who waits for one while holding others could never be let go
        EXECUTE format('LOCK TABLE sealed.%I IN ACCESS EXCLUSIVE MODE NOWAIT', one);
    END LOOP;
    FOREACH one IN ARRAY room LOOP
        EXECUTE format('CREATE TEMP TABLE mixing ON COMMIT DROP AS SELECT * FROM sealed.%I', one);
        IF one IN ('items', 'dropped') THEN
            EXECUTE format(
                'UPDATE pg_temp.mixing SET seq = counted.n FROM (SELECT id, row_number() OVER (PARTITION BY %I'
                ' ORDER BY seq) AS n FROM pg_temp.mixing) AS counted WHERE counted.id = mixing.id',
                CASE one WHEN 'items' THEN 'case_id' ELSE 'drop_id' END);
        END IF;
        EXECUTE format('TRUNCATE sealed.%I', one);
        EXECUTE format(
            'INSERT INTO sealed.%I OVERRIDING SYSTEM VALUE SELECT * FROM pg_temp.mixing ORDER BY gen_random_uuid()', one);
        DROP TABLE pg_temp.mixing;
    END LOOP;
    TRUNCATE sealed.mixed;
    INSERT INTO sealed.mixed VALUES (pg_current_xact_id()::xid::text);
END $$;

-- How many rows of the room another transaction has written since.
CREATE FUNCTION sealed.fresh() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one text;
    here bigint;
    fresh bigint := 0;
BEGIN
    FOREACH one IN ARRAY sealed.room() LOOP
        EXECUTE format('SELECT count(*) FROM sealed.%I WHERE xmin::text NOT IN (SELECT xid FROM sealed.mixed)', one)
            INTO here;
        fresh := fresh + here;
    END LOOP;
    RETURN fresh;
END $$;

-- The log of what was written before goes with its files, where these are not used again (wal_recycle = off).
CREATE FUNCTION sealed.turn_log() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_switch_wal();
    EXECUTE 'CHECKPOINT';
END $$;
DO $$
BEGIN                                                     -- for an owner that is no superuser any more
    GRANT EXECUTE ON FUNCTION pg_switch_wal() TO CURRENT_USER;
    EXECUTE format('GRANT pg_checkpoint TO %I', current_user);
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the log of this database is turned by whoever runs it';
END $$;
REVOKE ALL ON FUNCTION sealed.room(), sealed.mix(), sealed.fresh(), sealed.turn_log() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.mix(), sealed.fresh(), sealed.turn_log() TO jawab_custody;
