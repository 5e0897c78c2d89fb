-- A second factor for who may read sealed cases or let others in: a secret in a box, and the last step that was used.
CREATE TABLE second_factors (
    staff_id    uuid PRIMARY KEY REFERENCES staff ON DELETE CASCADE,
    box         bytea NOT NULL,                           -- the secret; see store.crypto
    step        bigint NOT NULL DEFAULT 0,                -- of 30 seconds: each is good once
    enrolled_at timestamptz                               -- null: shown, not yet answered with
);
-- Who has given the right password and not yet the second factor: no session, it opens nothing and speaks in no name.
CREATE TABLE login_waits (
    token_hash  bytea PRIMARY KEY,                        -- SHA-256 of the cookie
    staff_id    uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    key_box     bytea,                                    -- as in desk_sessions
    expires_at  timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors TO jawab_console, jawab_custody;
GRANT SELECT, INSERT, DELETE ON login_waits TO jawab_console, jawab_custody;

-- A wrong code goes into the chain, about the person and in nobody's name: only while somebody waits for theirs.
CREATE FUNCTION note_wrong_code(p_hash bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit_append('login', 'desk.second_wrong', staff_id::text) FROM login_waits WHERE token_hash = p_hash
$$;
REVOKE ALL ON FUNCTION note_wrong_code(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_wrong_code(bytea) TO jawab_console, jawab_custody;
