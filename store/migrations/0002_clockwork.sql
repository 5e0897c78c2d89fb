-- Clockwork: every periodic job keeps its last run; what was read out of the audit stands in columns and tables of its
-- own; what nothing needs can be let go of; indexes for what is counted for Prometheus.

-- ── jobs ───────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE jobs (
    name       text PRIMARY KEY,
    pace       interval NOT NULL,                         -- as the code has it: who has not run for three of these is late
    due_at     timestamptz NOT NULL,                      -- next run; of one that runs, when another may take it over
    started_at timestamptz,
    ended_at   timestamptz,                               -- before started_at: it runs, or its process died
    seconds    double precision,                          -- how long the last one that ended took
    outcome    text CHECK (outcome IN ('done', 'failed')),
    error      text                                       -- the kind of failure, never words
);
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO jawab_console;

-- ── a form acts once ───────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE once (
    form     uuid NOT NULL,                               -- the page's own number
    staff_id uuid NOT NULL REFERENCES staff,
    act      text NOT NULL,                               -- 'case.answer': the forms of one page share its number
    object   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (form, staff_id, act, object)
);
CREATE INDEX once_at ON once (at);
GRANT SELECT, INSERT, DELETE ON once TO jawab_console;

-- ── the protected room ─────────────────────────────────────────────────────────────────────────────────────────────
ALTER TABLE sealed.cases
    ADD COLUMN close_asked_by uuid,                       -- the reader who says that it can be closed; another closes it
    ADD COLUMN close_asked_at timestamptz,
    ADD CHECK ((close_asked_by IS NULL) = (close_asked_at IS NULL));
GRANT UPDATE (close_asked_by, close_asked_at) ON sealed.cases TO jawab_console;

CREATE TABLE sealed.looks (                                -- who opened something sealed, for the limit of an hour
    staff_id uuid NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sealed_looks_of ON sealed.looks (staff_id, at);
GRANT SELECT ON sealed.looks TO jawab_console;
GRANT INSERT (staff_id) ON sealed.looks TO jawab_console;  -- its time is the database's

-- What counts against somebody cannot be taken away while it counts: the run-time roles forget by these alone.
CREATE FUNCTION sealed.forget_looks() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    WITH gone AS (DELETE FROM sealed.looks WHERE at < now() - interval '1 day' RETURNING 1) SELECT count(*) FROM gone
$$;
CREATE FUNCTION forget_code_tries() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (DELETE FROM code_tries WHERE at < now() - interval '1 day' RETURNING 1) SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION sealed.forget_looks(), forget_code_tries() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.forget_looks(), forget_code_tries() TO jawab_console;

-- ── carried over from the audit, which is now only written ─────────────────────────────────────────────────────────
UPDATE sealed.cases SET close_asked_by = asked.actor::uuid, close_asked_at = asked.at
FROM (SELECT DISTINCT ON (object) object, actor, at FROM audit
      WHERE action = 'protected.ask_close' ORDER BY object, id DESC) asked
WHERE asked.object = sealed.cases.id::text AND sealed.cases.status <> 'closed';

INSERT INTO sealed.looks (staff_id, at)
SELECT actor::uuid, at FROM audit WHERE action LIKE 'protected.open:%' AND at > now() - interval '1 hour';

INSERT INTO once (form, staff_id, act, object, at)
SELECT split_part(object, '/', 2)::uuid, actor::uuid, action, split_part(object, '/', 1), at FROM audit
WHERE action LIKE 'case.%' AND at > now() - interval '1 day'
    AND object ~ '^[^/]+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
ON CONFLICT DO NOTHING;

DROP INDEX audit_of;

-- ── what is counted ────────────────────────────────────────────────────────────────────────────────────────────────
CREATE INDEX inbox_dead ON inbox (received_at) WHERE state = 'dead';
CREATE INDEX contacts_heard ON contacts (channel_id, last_inbound_at);  -- written every five minutes of a talk at most
CREATE INDEX outbox_lately ON outbox USING brin (created_at) WITH (autosummarize = on);  -- costs a new row next to nothing
