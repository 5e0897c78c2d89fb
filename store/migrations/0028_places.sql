-- A session is good at the place where it was begun, and custody's clock is not the desk's: who breaks into the tick has
-- no right on what is sealed.

-- Whose login begins it, the function that writes it down being the owner's; nobody else writes this column.
CREATE FUNCTION desk_place() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE session_user WHEN 'jawab_custody' THEN 'custody' ELSE 'desk' END
$$;
ALTER TABLE desk_sessions
    ADD COLUMN place text NOT NULL DEFAULT desk_place() CHECK (place IN ('desk', 'custody'));

REVOKE jawab_custody FROM jawab_clock;
GRANT jawab_custody TO jawab_custody_clock;
INSERT INTO audit_speakers (role, actor, acts) VALUES ('jawab_custody_clock', 'clock', '.');

-- Nor does the desk's role begin there what a second factor would end.
ALTER TABLE login_waits
    ADD COLUMN place text NOT NULL DEFAULT desk_place() CHECK (place IN ('desk', 'custody'));
REVOKE INSERT ON login_waits FROM jawab_console, jawab_custody;
GRANT INSERT (token_hash, staff_id, key_box, expires_at) ON login_waits TO jawab_console, jawab_custody;
