-- Who reads a case is bound to it by the house's key, and each reader to the key they had: neither can be exchanged here.

ALTER TABLE sealed.cases
    ADD COLUMN recipient_keys text[] NOT NULL DEFAULT '{}', -- fingerprint of each recipient's key, in their order
    ADD COLUMN recipients_mac bytea;                       -- over the case's id and both
-- `jawab migrate` binds the cases of before right after this; from then on none is without.
ALTER TABLE sealed.cases ADD CONSTRAINT cases_recipients_bound CHECK (recipients_mac IS NOT NULL) NOT VALID;
GRANT UPDATE (recipients, recipient_keys, recipients_mac) ON sealed.cases TO jawab_custody;

-- A reader whose key is made anew gets wraps beside the old ones: nothing sealed is ever written over.
ALTER TABLE sealed.wraps ADD COLUMN key text NOT NULL DEFAULT '';   -- the key's fingerprint; '' where it was not kept
ALTER TABLE sealed.wraps DROP CONSTRAINT wraps_pkey, ADD PRIMARY KEY (item_id, reader, key);

DROP FUNCTION sealed.readers_of(uuid);
CREATE FUNCTION sealed.readers_of(p_case uuid) RETURNS TABLE (recipients uuid[], recipient_keys text[], mac bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT recipients, recipient_keys, recipients_mac FROM sealed.cases WHERE id = p_case
$$;
REVOKE ALL ON FUNCTION sealed.readers_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed.readers_of(uuid) TO jawab_intake, jawab_custody;

-- What every reader is told at their next protected page: a key that is new, a reader who was added, the escrow opened.
CREATE TABLE sealed.notices (
    staff_id uuid NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('new_key', 'other_key', 'gone', 'admitted', 'escrow')),
    about    text NOT NULL,                                -- login of the one concerned, or what was done
    mark     text NOT NULL,                                -- which key or case: the same is told once
    at       timestamptz NOT NULL DEFAULT now(),
    seen_at  timestamptz,
    PRIMARY KEY (staff_id, kind, about, mark)
);
GRANT SELECT, INSERT, UPDATE (seen_at) ON sealed.notices TO jawab_custody;
