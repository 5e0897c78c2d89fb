-- Who may be sealed to stands on a roster that trustees sign away from this machine: a row of staff alone opens nothing.

CREATE TABLE sealed.trust (                                -- whose signatures count; written once and never over
    demo      boolean PRIMARY KEY,                         -- the demo's vouches for the demo's own people only
    trustees  bytea[] NOT NULL,                            -- Ed25519 public keys
    needs     int NOT NULL CHECK (needs BETWEEN 1 AND cardinality(trustees)),
    pinned_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sealed.rosters (                              -- each as it was signed; the newest that holds is in force
    demo       boolean NOT NULL REFERENCES sealed.trust,
    version    int NOT NULL CHECK (version > 0),
    statement  text NOT NULL,
    signatures jsonb NOT NULL,                             -- {public key of the trustee: signature}, hexadecimal
    loaded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (demo, version)
);

-- Names, keys and seats of who says to be a protected handler; whether that is so, the signed roster says.
DROP FUNCTION sealed.roster(text);
CREATE FUNCTION sealed.roster(p_district text)
RETURNS TABLE (id uuid, login text, public_key bytea, office_id uuid, demo boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, login, public_key, office_id, demo FROM public.staff
    WHERE role = 'protected' AND disabled_at IS NULL AND public_key IS NOT NULL
      AND district_id IS NULL                             -- who is accused is not known here: nobody of the same district
      -- The demo's keys are no secret: they open what was written to the demo, and never a real district's case.
      AND (NOT demo OR p_district = '' OR EXISTS (SELECT FROM public.districts d WHERE d.id = p_district AND d.demo))
    ORDER BY id
$$;
REVOKE ALL ON FUNCTION sealed.roster(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.roster(text) TO jawab_intake, jawab_custody;

GRANT SELECT ON sealed.trust, sealed.rosters TO jawab_intake;
GRANT SELECT, INSERT ON sealed.trust, sealed.rosters TO jawab_custody;
GRANT UPDATE (cleared_at) ON alarms TO jawab_custody;
