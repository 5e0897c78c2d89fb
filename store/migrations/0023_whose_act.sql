-- Whose act: the chain takes who acted from the session or from the role that is connected, never from who says so;
-- and each day's head is kept apart, so that it can go out and a cut tail is found.

-- Each process that is nobody's desk is connected as a role of its own, with the rights of desk and custody.
GRANT jawab_console, jawab_custody TO jawab_operator, jawab_clock;

-- ── who may speak as what ──────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE audit_speakers (
    role  name NOT NULL,                                  -- who is connected
    actor text NOT NULL CHECK (actor IN ('staff', 'office', 'operator', 'clock', 'intake')),
    acts  text NOT NULL,                                  -- a pattern: which acts
    PRIMARY KEY (role, actor)
);
INSERT INTO audit_speakers (role, actor, acts) VALUES
    ('jawab_console', 'staff', '.'),
    ('jawab_custody', 'staff', '.'),
    ('jawab_console', 'office', '^(link|office|referral)\.'),
    ('jawab_operator', 'operator', '.'),
    ('jawab_operator', 'clock', '.'),                     -- a job that somebody runs by hand
    ('jawab_clock', 'clock', '.'),
    ('jawab_intake', 'intake', '^intake\.[a-z_]+$');

-- ── the chain ──────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE INDEX audit_at ON audit (at);
CREATE FUNCTION audit_append(p_actor text, p_action text, p_object text) RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    last bytea;
    moment timestamptz;
    new_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7310001);               -- one chain: writers take turns
    moment := clock_timestamp();
    SELECT hash INTO last FROM audit ORDER BY id DESC LIMIT 1;
    last := coalesce(last, ''::bytea);
    INSERT INTO audit (at, actor, action, object, prev, hash)
    VALUES (moment, p_actor, p_action, p_object, last,
            sha256(last || convert_to(jsonb_build_array(
                to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), p_actor, p_action, p_object)::text, 'UTF8')))
    RETURNING id INTO new_id;
    RETURN new_id;
END $$;

-- `p_secret` is what the browser holds, given as a parameter: it is in no setting that another statement could read, in
-- no list of what runs, and only its hash is in a table.
DROP FUNCTION audit_write(text, text, text);
CREATE FUNCTION audit_write(p_actor text, p_action text, p_object text, p_secret text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held bytea := sha256(convert_to(coalesce(p_secret, ''), 'UTF8'));
    kind text := CASE WHEN p_actor ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN 'staff'
                      WHEN p_actor LIKE 'office:%' THEN 'office' ELSE p_actor END;
    speaks text := p_actor;
    known boolean;
BEGIN
    IF kind = 'staff' AND p_secret IS NULL THEN
        -- An operator's command, or the clock that carries out what somebody decided: it says so, and for whom.
        SELECT s.actor INTO kind FROM audit_speakers s
        WHERE s.role = session_user AND s.actor IN ('operator', 'clock') ORDER BY s.actor DESC LIMIT 1;
        speaks := kind || ':' || p_actor;
    END IF;
    known := CASE kind
        WHEN 'staff' THEN EXISTS (
            SELECT FROM desk_sessions s JOIN staff f ON f.id = s.staff_id
            WHERE s.token_hash = held AND s.staff_id::text = p_actor AND s.expires_at > now() AND f.disabled_at IS NULL)
        WHEN 'office' THEN EXISTS (
            SELECT FROM link_sessions s JOIN links l ON l.id = s.link_id
            WHERE s.token_hash = held AND 'office:' || l.office_id = p_actor AND s.expires_at > now()
              AND l.revoked_at IS NULL)
        ELSE p_secret IS NULL END;                        -- nobody acts as the house from inside a session
    IF NOT coalesce(known, false) OR p_action = 'desk.login' OR NOT EXISTS (
        SELECT FROM audit_speakers s WHERE s.role = session_user AND s.actor = kind AND p_action ~ s.acts)
    THEN
        RAISE EXCEPTION 'the audit takes no such act from this session' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN audit_append(speaks, p_action, p_object);
END $$;

-- Signing in and its line are one: whoever opens a session in another's name leaves the line.
CREATE FUNCTION open_desk_session(
    p_hash bytea, p_staff uuid, p_csrf text, p_box bytea, p_at timestamptz, p_until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO desk_sessions (token_hash, staff_id, csrf, key_box, created_at, seen_at, expires_at)
    VALUES (p_hash, p_staff, p_csrf, p_box, p_at, p_at, p_until);
    PERFORM audit_append(p_staff::text, 'desk.login', p_staff::text);
END $$;
REVOKE INSERT, UPDATE ON desk_sessions FROM jawab_console, jawab_custody;
GRANT UPDATE (seen_at) ON desk_sessions TO jawab_console, jawab_custody;

-- ── heads ──────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE audit_heads (                                -- the last link of a day: what goes out
    day  date PRIMARY KEY,
    hash bytea NOT NULL,
    at   timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER audit_heads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION audit_keep_head(p_day date) RETURNS bytea
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO audit_heads (day, hash) SELECT p_day, hash FROM audit ORDER BY id DESC LIMIT 1
    ON CONFLICT DO NOTHING RETURNING hash
$$;

REVOKE ALL ON FUNCTION audit_append(text, text, text), audit_write(text, text, text, text), audit_keep_head(date),
    open_desk_session(bytea, uuid, text, bytea, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_write(text, text, text, text) TO jawab_intake, jawab_console, jawab_custody;
GRANT EXECUTE ON FUNCTION open_desk_session(bytea, uuid, text, bytea, timestamptz, timestamptz)
    TO jawab_console, jawab_custody;
GRANT EXECUTE ON FUNCTION audit_keep_head(date) TO jawab_console;
GRANT SELECT ON audit_heads TO jawab_console, jawab_report;

-- From this link on each line in somebody's name has their signing in before it.
SELECT audit_append('migration', 'audit.bound', '');
