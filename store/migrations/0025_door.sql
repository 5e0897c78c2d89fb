-- The protected door opens only when somebody can open its cases, and others to ask are data with a source.

-- ── the escrow ─────────────────────────────────────────────────────────────────────────────────────────────────────
-- The escrow's public key as it was compared by eye when the door was opened for the first time: set once.
CREATE TABLE sealed.escrow (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    public_key bytea NOT NULL CHECK (length(public_key) = 32),
    pinned_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER escrow_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed.escrow
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT INSERT (public_key) ON sealed.escrow TO jawab_custody;
CREATE FUNCTION sealed.escrow_key() RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT public_key FROM sealed.escrow
$$;
-- A sealed test item for each reader, and when they showed that it opens.
CREATE TABLE sealed.proofs (
    reader     uuid PRIMARY KEY,
    id         uuid NOT NULL,
    public_key bytea NOT NULL,                            -- of the reader then
    blob       bytea NOT NULL,
    wrap       bytea NOT NULL,
    opened_at  timestamptz
);
GRANT SELECT, INSERT, UPDATE ON sealed.proofs TO jawab_custody;
-- How many cases have fewer than two of these people among their readers; which ones is told to nobody.
CREATE FUNCTION sealed.count_thin(p_live uuid[]) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT count(*) FROM sealed.cases
    WHERE (SELECT count(*) FROM unnest(recipients) AS one WHERE one = ANY(p_live)) < 2
$$;
REVOKE ALL ON FUNCTION sealed.escrow_key(), sealed.count_thin(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.escrow_key() TO jawab_intake, jawab_custody;
GRANT EXECUTE ON FUNCTION sealed.count_thin(uuid[]) TO jawab_custody;

-- ── others to ask ──────────────────────────────────────────────────────────────────────────────────────────────────
-- Until now a column of the district's, which nothing ever wrote.
ALTER TABLE districts DROP COLUMN outside;
CREATE TABLE outside (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text REFERENCES districts,                -- null: the whole province
    names       jsonb NOT NULL CHECK (names <> '{}'),     -- by language
    phone       text NOT NULL CHECK (phone ~ '^\+?[0-9]{3,15}$'),
    source      text NOT NULL CHECK (source <> ''),       -- where this was read
    read_on     date NOT NULL,                            -- and when
    demo        boolean NOT NULL DEFAULT false,           -- told in the demo's district only, and on no real line
    added_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (district_id, phone)
);
GRANT SELECT ON outside TO jawab_intake, jawab_console;
GRANT INSERT, UPDATE, DELETE ON outside TO jawab_console;
