-- What is sealed belongs to a role of its own: custody. The desk's has no right left on it, nor on what only sealing does.

-- ── the sealed room ────────────────────────────────────────────────────────────────────────────────────────────────
REVOKE ALL ON ALL TABLES IN SCHEMA sealed FROM jawab_console;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA sealed FROM jawab_console;
REVOKE ALL ON SCHEMA sealed FROM jawab_console;

GRANT USAGE ON SCHEMA public, sealed TO jawab_custody;
GRANT SELECT, INSERT ON sealed.cases, sealed.items, sealed.wraps TO jawab_custody;
GRANT UPDATE (status, overdue, close_asked_by, close_asked_at) ON sealed.cases TO jawab_custody;
GRANT INSERT ON sealed.codes TO jawab_custody;
GRANT SELECT ON sealed.looks TO jawab_custody;
GRANT INSERT (staff_id) ON sealed.looks TO jawab_custody;
GRANT EXECUTE ON FUNCTION sealed.roster(text), sealed.readers_of(uuid), sealed.forget_looks() TO jawab_custody;

-- ── how an ordinary case or a kept card gets there: custody takes it whole, in one transaction, and the desk cannot ─────
REVOKE UPDATE (body) ON inbox FROM jawab_console;
REVOKE UPDATE (sealed_case_id) ON media FROM jawab_console;
REVOKE DELETE ON case_items, referrals, office_lines, joined FROM jawab_console;

GRANT SELECT ON cases, case_items, case_history, clocks, referrals, office_lines, offices, joined, sorting, dismissals,
    decisions, contacts, media TO jawab_custody;
GRANT SELECT (id, contact_id, received_at, state) ON inbox TO jawab_custody;
GRANT SELECT (id, case_id, state, sent_at, error, template, missed) ON outbox TO jawab_custody;
GRANT SELECT (contact_id, focus_case, version) ON sessions TO jawab_custody;
GRANT UPDATE (code, contact_id, place_text, outcome_values, outcome_line, last_said, assigned_to, next_due, version)
    ON cases TO jawab_custody;
GRANT UPDATE ON clocks TO jawab_custody;
GRANT DELETE ON case_items, referrals, office_lines, joined, sorting, decisions TO jawab_custody;
GRANT INSERT ON sorting TO jawab_custody;                 -- what has to wait for a reader is locked there
GRANT UPDATE (taken_back_at) ON dismissals TO jawab_custody;
GRANT UPDATE (fault) ON decisions TO jawab_custody;
GRANT UPDATE (body) ON inbox TO jawab_custody;
GRANT UPDATE (case_id) ON outbox TO jawab_custody;
GRANT UPDATE (focus_kind, focus_case, focus_at, version) ON sessions TO jawab_custody;
GRANT UPDATE (case_id, sealed_case_id) ON media TO jawab_custody;

-- ── its pages, its sessions and its clocks ─────────────────────────────────────────────────────────────────────────
GRANT SELECT ON districts, places, staff, house_keys TO jawab_custody;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk_sessions, jobs TO jawab_custody;
GRANT SELECT, INSERT, UPDATE ON login_attempts TO jawab_custody;
GRANT SELECT, INSERT ON once, alarms TO jawab_custody;
GRANT EXECUTE ON FUNCTION audit_write(text, text, text) TO jawab_custody;

-- ── what the database counts by itself ─────────────────────────────────────────────────────────────────────────────
-- How many rows a table has got since yesterday tells that somebody has spoken: for the run-time roles there is no such
-- view, function or estimate. Only a superuser can shut them; where the owner is none, `jawab doctor` says so.
DO $$
DECLARE
    one text;
BEGIN
    FOR one IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace
        AND c.relkind IN ('v', 'r') AND (c.relname ~ '^pg_stat(io)?_' OR c.relname = 'pg_class')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', one);
        EXECUTE format('GRANT SELECT ON %s TO CURRENT_USER, pg_monitor', one);
    END LOOP;
    FOR one IN SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND (p.proname ~ '^pg_stat_get_' OR p.proname ~ '^pg_(total_)?(relation|table|indexes|database|tablespace)_size$'
            OR p.proname ~ '^pg_current_wal_(lsn|insert_lsn|flush_lsn)$')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO CURRENT_USER, pg_monitor', one);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the statistics of this database stay open';
END $$;
