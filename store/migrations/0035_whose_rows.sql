-- What the desk's role may write is more than the desk does. Somebody who runs code there could give a reader a password
-- of their own, take the second factor away, sign in at custody as two readers, and close or erase what is sealed; or
-- send a number's messages to another district. An operator's command does these things; no page and no clock.

-- Whoever is connected as the operator, as custody where it is custody's own, or as the owner.
CREATE FUNCTION refuse_but_operator() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF session_user <> ALL (ARRAY[current_user] || TG_ARGV::name[])
        AND NOT EXISTS (SELECT FROM audit_speakers WHERE role = session_user AND actor = 'operator')
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)
        AND (CASE TG_TABLE_NAME
            WHEN 'staff' THEN 'protected' IN (to_jsonb(OLD) ->> 'role', to_jsonb(NEW) ->> 'role')
            WHEN 'second_factors' THEN EXISTS (SELECT FROM staff WHERE role = 'protected'
                AND id::text IN (to_jsonb(OLD) ->> 'staff_id', to_jsonb(NEW) ->> 'staff_id'))
            ELSE true END)
    THEN
        RAISE EXCEPTION 'only an operator''s command writes this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
REVOKE ALL ON FUNCTION refuse_but_operator() FROM PUBLIC;

-- Their seat and whether they still work here stay the desk's: neither makes a reader of anybody.
CREATE TRIGGER readers_are_made_by_operators
    BEFORE INSERT OR UPDATE OF id, login, role, district_id, demo, password_hash, public_key, private_box, key_salt ON staff
    FOR EACH ROW EXECUTE FUNCTION refuse_but_operator();
CREATE TRIGGER readers_factors_are_custodys BEFORE INSERT OR UPDATE OR DELETE ON second_factors
    FOR EACH ROW EXECUTE FUNCTION refuse_but_operator('jawab_custody');
CREATE TRIGGER numbers_are_pointed_by_operators
    BEFORE UPDATE OF kind, provider, address, district_id, config_box, name, retired_at OR DELETE ON channels
    FOR EACH ROW EXECUTE FUNCTION refuse_but_operator();

-- The house key, which the desk works with, opens these boxes: a reader's codes could be reckoned there.
CREATE FUNCTION may_see_factor(p_staff uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT session_user IN ('jawab_custody', 'jawab_custody_clock')
        OR EXISTS (SELECT FROM audit_speakers WHERE role = session_user AND actor = 'operator')
        OR NOT EXISTS (SELECT FROM staff WHERE id = p_staff AND role = 'protected')
$$;
REVOKE ALL ON FUNCTION may_see_factor(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION may_see_factor(uuid) TO jawab_console, jawab_custody;
ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers_factors ON second_factors USING (may_see_factor(staff_id));
