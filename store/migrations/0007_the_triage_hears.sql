-- The triage hears: files say how large and how long they are and why they did not come; what the triage decides waits
-- ten seconds; a card may be answered, called back or be no complaint; a case goes behind the door and leaves its count.

-- ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────
ALTER TABLE media
    ADD COLUMN bytes integer,                             -- how many; null: not fetched, or before this was kept
    ADD COLUMN seconds real,                              -- how long a voice note lasts, where its own bytes say it
    ADD COLUMN fault text CHECK (fault IN ('gone', 'kind', 'size', 'unreachable'));  -- why there is none to be had
CREATE INDEX media_of_case ON media (case_id) WHERE case_id IS NOT NULL;

-- ── kept cards ─────────────────────────────────────────────────────────────────────────────────────────────────────
-- waiting: for the triage · answered: for its sender · call: for somebody to ring · dismissed: no complaint, no clock ·
-- locked: to be sealed as soon as there is somebody to seal it to, seen by the province's triage alone
ALTER TABLE sorting
    ADD COLUMN state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'answered', 'call', 'dismissed', 'locked')),
    ADD COLUMN state_at timestamptz;
DROP INDEX sorting_list;
CREATE INDEX sorting_list ON sorting (state, received_at, id);
CREATE INDEX sorting_by_contact ON sorting (contact_id, received_at);
GRANT INSERT ON sorting TO jawab_console;                 -- a case that has to wait for a reader is locked there
GRANT UPDATE (words, answers, lang, state, state_at) ON sorting TO jawab_console;

CREATE TABLE decisions (                                   -- what the triage said; carried out ten seconds later
    card     uuid PRIMARY KEY,                            -- no reference: its sender may make a case of it meanwhile
    verb     text NOT NULL CHECK (verb IN ('queue', 'seal', 'join', 'answer', 'dismiss', 'call')),
    box      bytea NOT NULL,                              -- encrypted: what the form said
    staff_id uuid NOT NULL REFERENCES staff,
    due_at   timestamptz NOT NULL,
    fault    text                                         -- why it was not done: the form is shown again as it was
);
CREATE INDEX decisions_due ON decisions (due_at) WHERE fault IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON decisions TO jawab_console;
GRANT SELECT (card, verb, fault) ON decisions TO jawab_intake;

CREATE TABLE dismissals (                                  -- who said "not a complaint"; the sender's next words say otherwise
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card          uuid NOT NULL,
    district_id   text NOT NULL REFERENCES districts,
    staff_id      uuid NOT NULL REFERENCES staff,
    at            timestamptz NOT NULL,
    taken_back_at timestamptz
);
CREATE INDEX dismissals_of ON dismissals (card);
CREATE INDEX dismissals_counted ON dismissals (district_id, at);
GRANT SELECT, INSERT ON dismissals TO jawab_console;
GRANT UPDATE (taken_back_at) ON dismissals TO jawab_console, jawab_intake;
GRANT SELECT (card, taken_back_at) ON dismissals TO jawab_intake;
GRANT SELECT (district_id, at, taken_back_at) ON dismissals TO jawab_report;

CREATE TABLE joined (                                      -- codes of cards whose words went into another case: they open that one
    code    text PRIMARY KEY CHECK (code ~ '^[0-9]{13}$'),
    case_id uuid NOT NULL REFERENCES cases,
    at      timestamptz NOT NULL
);
CREATE INDEX joined_to ON joined (case_id);
GRANT SELECT, INSERT, DELETE ON joined TO jawab_console;
GRANT SELECT ON joined TO jawab_intake;

-- ── a case that went behind the door ───────────────────────────────────────────────────────────────────────────────
-- What is counted of it stays: a row without a code and without a contact, which no page shows.
ALTER TABLE cases
    ALTER COLUMN code DROP NOT NULL,
    ALTER COLUMN contact_id DROP NOT NULL,
    ADD CHECK ((code IS NULL) = (contact_id IS NULL));
GRANT DELETE ON case_items, referrals TO jawab_console;

CREATE TABLE sealed.codes (                                -- further codes of one protected case, as their hashes
    code_hash bytea PRIMARY KEY,
    case_id   uuid NOT NULL
);
GRANT INSERT ON sealed.codes TO jawab_console;
CREATE OR REPLACE FUNCTION sealed.case_by_code(p_hash bytea)
RETURNS TABLE (case_id uuid, status text, due_resolve date, district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT id, status, due_resolve, district_id FROM sealed.cases
    WHERE code_hash = p_hash OR id = (SELECT c.case_id FROM sealed.codes c WHERE c.code_hash = p_hash)
$$;
