-- The spine: districts and their numbers, conversations, cases, the sealed room, scorecards, editions.
-- Words that people wrote are bytea: encrypted (store/crypto) before they reach this database.
-- Times are timestamptz; a person's phone number exists only as address_box (encrypted) and address_tag (keyed hash).

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- ── districts: data, never code ────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE districts (
    id             text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{1,39}$'),
    pcode          text,
    names          jsonb NOT NULL,                       -- {"en": "Pishin", "ur": "پشین"}
    demo           boolean NOT NULL DEFAULT false,
    timezone       text NOT NULL DEFAULT 'Asia/Karachi',
    quiet_from     time,                                  -- no unasked message from … to (local); null = no quiet hours
    quiet_to       time,
    approval_hold  interval NOT NULL DEFAULT '10 minutes',
    outside        jsonb NOT NULL DEFAULT '[]',           -- addresses outside the district: [{"names": {…}, "phone": "1055"}]
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE places (
    id          text PRIMARY KEY,
    district_id text NOT NULL REFERENCES districts,
    level       text NOT NULL CHECK (level IN ('tehsil', 'union', 'village')),
    parent_id   text REFERENCES places,
    names       jsonb NOT NULL,
    aliases     text[] NOT NULL DEFAULT '{}',
    pcode       text,
    lat         double precision,
    lon         double precision,
    valid_from  date,
    valid_to    date,
    source      text NOT NULL
);
CREATE INDEX places_by_district ON places (district_id, level);

CREATE TABLE channels (                                   -- a number or bot of ours
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind        text NOT NULL CHECK (kind IN ('sms', 'whatsapp', 'telegram', 'gateway', 'try')),
    provider    text NOT NULL CHECK (provider IN ('twilio', 'telegram', 'gateway', 'simulator')),
    address     text NOT NULL,                            -- '+92…' or a bot's name; without 'whatsapp:'
    district_id text NOT NULL REFERENCES districts,
    paused_until timestamptz,                             -- set by deliver when the provider says "later" to the sender
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, address)
);

-- ── offices: who is responsible, and by which law ──────────────────────────────────────────────────────────────────
CREATE TABLE offices (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text REFERENCES districts,                -- null: provincial
    department  text NOT NULL,
    names       jsonb NOT NULL,                           -- {"en": "Executive Engineer, Public Health Engineering", …}
    post        text NOT NULL DEFAULT '',
    above_id    uuid REFERENCES offices,                  -- line of command
    law         text NOT NULL DEFAULT '',                 -- the law or notification that makes it responsible
    UNIQUE (district_id, department)
);
CREATE TABLE responsibilities (                            -- category (and place) → office; no row or null = nobody named yet
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text NOT NULL REFERENCES districts,
    category    text NOT NULL,
    place_id    text REFERENCES places,
    office_id   uuid REFERENCES offices,
    UNIQUE NULLS NOT DISTINCT (district_id, category, place_id)
);

CREATE TABLE staff (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    login         text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,39}$'),
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('handler', 'supervisor', 'triage', 'protected', 'editor', 'approver', 'admin')),
    district_id   text REFERENCES districts,              -- null: the province (triage, protected)
    office_id     uuid REFERENCES offices,
    password_hash text NOT NULL,
    demo          boolean NOT NULL DEFAULT false,
    disabled_at   timestamptz,
    -- protected handlers: X25519 public key; the private one sealed under a key made from the password
    public_key    bytea,
    private_box   bytea,
    key_salt      bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (district_id IS NOT NULL OR role IN ('triage', 'protected', 'admin', 'supervisor')),
    CHECK (role <> 'protected' OR public_key IS NOT NULL)
);
CREATE TABLE desk_sessions (
    token_hash  bytea PRIMARY KEY,                        -- SHA-256 of the cookie: a dump opens no session
    staff_id    uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    csrf        text NOT NULL,
    key_box     bytea,                                    -- protected handlers: private key under a key only the cookie holds
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE TABLE login_attempts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login   text NOT NULL,
    source  text NOT NULL,
    ok      boolean NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_attempts_recent ON login_attempts (login, at);
CREATE INDEX login_attempts_source ON login_attempts (source, at);

-- ── conversations ──────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE contacts (
    id          uuid PRIMARY KEY,
    channel_id  uuid NOT NULL REFERENCES channels,
    address_tag bytea NOT NULL,
    address_box bytea NOT NULL,
    lang        text NOT NULL DEFAULT '',
    stopped_at  timestamptz,                              -- opted out at the provider (21610, blocked): nothing may go out
    invalid_at  timestamptz,                              -- "number does not exist" is another record than opt-out
    weekly_since timestamptz,                             -- subscribed to the weekly update
    last_inbound_at timestamptz,                          -- opens WhatsApp's 24-hour window
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel_id, address_tag)
);
CREATE INDEX contacts_weekly ON contacts (channel_id, id) WHERE weekly_since IS NOT NULL;

CREATE TABLE sessions (
    contact_id uuid PRIMARY KEY REFERENCES contacts ON DELETE CASCADE,
    version    bigint NOT NULL DEFAULT 0,                 -- state is only ever written over the state that was read
    state      bytea,                                     -- encrypted flows.model.Session
    quiet_at   timestamptz                                -- when a "quiet" event is due
);
CREATE INDEX sessions_quiet ON sessions (quiet_at) WHERE quiet_at IS NOT NULL;

CREATE TABLE inbox (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL,
    provider_id text NOT NULL,
    contact_id  uuid REFERENCES contacts,
    received_at timestamptz NOT NULL DEFAULT now(),
    body        bytea,                                    -- encrypted; null once its words live behind the protected door
    state       text NOT NULL CHECK (state IN ('done', 'undone', 'unrouted', 'dead')),
    attempts    int NOT NULL DEFAULT 0,
    error       text,                                     -- the kind of failure, never words
    UNIQUE (provider, provider_id)
);
CREATE INDEX inbox_undone ON inbox (received_at) WHERE state = 'undone';
CREATE INDEX inbox_by_contact ON inbox (contact_id, received_at);

CREATE TABLE outbox (
    id          uuid PRIMARY KEY,
    contact_id  uuid NOT NULL REFERENCES contacts,
    lane        text NOT NULL CHECK (lane IN ('replies', 'broadcasts')),
    purpose     text NOT NULL CHECK (purpose IN ('reply', 'case', 'edition')),
    inbox_id    uuid,                                     -- the message this answers, written with it: never held by quiet hours
    case_id     uuid,
    edition_id  uuid,
    lang        text NOT NULL,
    message     bytea NOT NULL,                           -- encrypted {"says": [[key, values]…], "options": […], "text"?: …}
    state       text NOT NULL DEFAULT 'queued' CHECK (state IN
                ('queued', 'sending', 'sent', 'delivered', 'read', 'undelivered', 'failed', 'parked', 'withdrawn')),
    attempts    int NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL DEFAULT now() + interval '7 days',   -- nothing stale goes out
    claimed_at  timestamptz,
    provider_id text,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz
);
-- Partial, so that a reply, which is no part of an edition and has no provider's id yet, touches neither.
CREATE UNIQUE INDEX outbox_once ON outbox (edition_id, contact_id) WHERE edition_id IS NOT NULL;
CREATE UNIQUE INDEX outbox_at_provider ON outbox (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX outbox_due ON outbox (lane, due_at) WHERE state = 'queued';
CREATE INDEX outbox_sending ON outbox (claimed_at) WHERE state = 'sending';
CREATE INDEX outbox_parked ON outbox (contact_id) WHERE state = 'parked';
CREATE INDEX outbox_by_case ON outbox (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE consents (                                    -- append-only: who said yes or no to what, when, how
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL REFERENCES contacts,
    topic      text NOT NULL CHECK (topic IN ('weekly', 'messages', 'all')),
    granted    boolean NOT NULL,
    method     text NOT NULL,                             -- 'word', 'menu', 'provider', 'desk'
    inbox_id   uuid,
    at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE code_tries (                                  -- wrong case codes typed: five an hour for a phone
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX code_tries_recent ON code_tries (contact_id, at);
CREATE INDEX code_tries_at ON code_tries (at);

CREATE TABLE media (
    id           uuid PRIMARY KEY,
    contact_id   uuid NOT NULL REFERENCES contacts,
    case_id      uuid,                                    -- ordinary case or kept story it belongs to
    sealed_case_id uuid,                                  -- or a protected one: the chore seals it and deletes this row
    content_type text NOT NULL,
    source       bytea,                                   -- encrypted provider address, until fetched
    content      bytea,                                   -- encrypted bytes, once fetched
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'kept', 'failed')),
    attempts     int NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX media_waiting ON media (due_at) WHERE state = 'waiting';

-- ── cases ──────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE cases (
    id          uuid PRIMARY KEY,
    code        text NOT NULL UNIQUE CHECK (code ~ '^[0-9]{13}$'),
    district_id text NOT NULL REFERENCES districts,
    contact_id  uuid NOT NULL REFERENCES contacts,
    channel     text NOT NULL,
    lang        text NOT NULL,
    category    text NOT NULL,
    place_id    text REFERENCES places,
    place_text  bytea,                                    -- encrypted: the place as typed
    draft       boolean NOT NULL DEFAULT false,           -- the citizen stopped half way; joins the queue all the same
    status      text NOT NULL DEFAULT 'received' CHECK (status IN
                ('received', 'acknowledged', 'in_progress', 'resolved', 'confirmed', 'disputed', 'closed')),
    may_message boolean,                                  -- null: not answered
    office_id   uuid REFERENCES offices,                  -- null: nobody named yet, said and counted
    assigned_to uuid REFERENCES staff,
    opened_at   timestamptz NOT NULL,
    resolved_at timestamptz,
    outcome     text,                                     -- what was done: key of the closed list
    outcome_values jsonb,                                 -- {"place": …, "date": …, "office"?: …}
    outcome_line bytea,                                   -- encrypted: the handler's own line, optional
    next_due    timestamptz,                              -- the earliest unmet clock: what the queue is ordered by
    version     bigint NOT NULL DEFAULT 0
);
CREATE INDEX cases_queue ON cases (district_id, next_due, id) WHERE status IN ('received', 'acknowledged', 'in_progress', 'disputed');
CREATE INDEX cases_history_page ON cases (district_id, status, opened_at DESC, id DESC);
CREATE INDEX cases_by_contact ON cases (contact_id, opened_at DESC);

CREATE TABLE case_items (                                  -- the thread of a case
    id         uuid PRIMARY KEY,
    case_id    uuid NOT NULL REFERENCES cases ON DELETE CASCADE,
    at         timestamptz NOT NULL DEFAULT now(),
    author     text NOT NULL CHECK (author IN ('citizen', 'staff', 'system')),
    staff_id   uuid REFERENCES staff,
    kind       text NOT NULL CHECK (kind IN ('story', 'more', 'location', 'media', 'answer', 'note')),
    body       bytea,                                     -- encrypted JSON text or {"lat","lon"}
    media_id   uuid REFERENCES media,
    lang       text NOT NULL DEFAULT '',
    outbox_id  uuid REFERENCES outbox
);
CREATE INDEX case_items_thread ON case_items (case_id, at);

CREATE TABLE case_history (                                -- append-only
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id  uuid NOT NULL REFERENCES cases,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,                               -- 'citizen', 'clock', or a staff id
    verb     text NOT NULL,
    was      text,
    became   text NOT NULL,
    data     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX case_history_of ON case_history (case_id, id);

CREATE TABLE clocks (
    case_id    uuid NOT NULL REFERENCES cases ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('acknowledge', 'resolve')),
    due_at     timestamptz NOT NULL,
    met_at     timestamptz,
    overdue_at timestamptz,                               -- when the tick saw it late and escalated
    escalated_to uuid REFERENCES offices,
    PRIMARY KEY (case_id, kind)
);
CREATE INDEX clocks_running ON clocks (due_at) WHERE met_at IS NULL AND overdue_at IS NULL;

CREATE TABLE referrals (                                   -- handed to an office with a date; stops no clock
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    case_id    uuid NOT NULL REFERENCES cases ON DELETE CASCADE,
    office_id  uuid NOT NULL REFERENCES offices,
    due_on     date NOT NULL,
    by_staff   uuid NOT NULL REFERENCES staff,
    at         timestamptz NOT NULL DEFAULT now(),
    done_at    timestamptz
);

-- Words written before any choice: no handler, list, search or count reads this table.
CREATE TABLE sorting (
    id          uuid PRIMARY KEY,
    code        text NOT NULL UNIQUE CHECK (code ~ '^[0-9]{13}$'),
    district_id text NOT NULL REFERENCES districts,
    contact_id  uuid NOT NULL REFERENCES contacts,
    channel     text NOT NULL,
    lang        text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT 'story' CHECK (reason IN ('story', 'person')),
    words       bytea NOT NULL,                           -- encrypted list of {"at", "text"?, "location"?}
    answers     bytea,                                    -- encrypted later answers (category, place, may_message)
    received_at timestamptz NOT NULL,
    due_acknowledge timestamptz NOT NULL,
    due_resolve timestamptz NOT NULL
);
CREATE INDEX sorting_list ON sorting (received_at);

-- ── scorecards ─────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE facilities (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text NOT NULL REFERENCES districts,
    short_code  text NOT NULL CHECK (short_code ~ '^[0-9]{3,4}$'),
    kind        text NOT NULL,
    names       jsonb NOT NULL,
    place_id    text REFERENCES places,
    demo        boolean NOT NULL DEFAULT false,
    UNIQUE (district_id, short_code)
);
CREATE TABLE rounds (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text NOT NULL REFERENCES districts,
    title       text NOT NULL,                            -- text key
    indicators  text[] NOT NULL,                          -- text keys
    opened_at   timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz
);
CREATE TABLE ratings (
    round_id    uuid NOT NULL REFERENCES rounds,
    facility_id uuid NOT NULL REFERENCES facilities,
    contact_id  uuid NOT NULL REFERENCES contacts,
    indicator   text NOT NULL,
    score       smallint NOT NULL CHECK (score BETWEEN 1 AND 5),
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (round_id, facility_id, contact_id, indicator)   -- rating again replaces: one voice a phone a round
);

-- ── editions ───────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE commitments (                                 -- every "next": owner and date, comes back as kept, late or dropped
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text NOT NULL REFERENCES districts,
    case_id     uuid REFERENCES cases,
    category    text NOT NULL,
    action      text NOT NULL,                            -- key of the closed list of outcomes
    place_id    text REFERENCES places,
    office_id   uuid NOT NULL REFERENCES offices,
    due_on      date NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'dropped')),
    state_at    timestamptz,
    made_by     uuid NOT NULL REFERENCES staff,
    made_at     timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE editions (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    district_id text NOT NULL REFERENCES districts,
    week        text NOT NULL CHECK (week ~ '^[0-9]{4}-W[0-9]{2}$'),
    state       text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'sending', 'sent', 'stopped')),
    items       jsonb NOT NULL,                           -- [{section, key, values, cases: [uuid]|count, line?, line_lang?}]
    digest      text NOT NULL,                            -- SHA-256 of items: what was approved is what is sent
    drafted_by  uuid REFERENCES staff,
    drafted_at  timestamptz NOT NULL DEFAULT now(),
    approved_by uuid REFERENCES staff,
    approved_at timestamptz,
    send_after  timestamptz,                              -- approval hold
    sent_at     timestamptz,
    stopped_by  uuid REFERENCES staff,
    reached     uuid,                                     -- fan-out cursor: last contact id resolved
    UNIQUE (district_id, week),
    CHECK (approved_by IS NULL OR drafted_by IS NULL OR approved_by <> drafted_by)
);
ALTER TABLE outbox ADD FOREIGN KEY (edition_id) REFERENCES editions;

-- ── alarms and the audit chain ─────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE alarms (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    kind       text NOT NULL,
    district_id text,
    data       jsonb NOT NULL DEFAULT '{}',               -- ids and codes of errors, never words
    cleared_at timestamptz
);
CREATE INDEX alarms_open ON alarms (kind, at) WHERE cleared_at IS NULL;

CREATE TABLE audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    prev   bytea NOT NULL,
    hash   bytea NOT NULL
);
CREATE INDEX audit_of ON audit USING hash (object);      -- has this form acted? did another ask? (objects may be long)
CREATE FUNCTION audit_write(p_actor text, p_action text, p_object text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last bytea;
    moment timestamptz := clock_timestamp();
    new_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7310001);               -- one chain: writers take turns
    SELECT hash INTO last FROM audit ORDER BY id DESC LIMIT 1;
    last := coalesce(last, ''::bytea);
    INSERT INTO audit (at, actor, action, object, prev, hash)
    VALUES (moment, p_actor, p_action, p_object, last,
            sha256(last || convert_to(jsonb_build_array(
                to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), p_actor, p_action, p_object)::text, 'UTF8')))
    RETURNING id INTO new_id;
    RETURN new_id;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER case_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON case_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER consents_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consents
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── the protected room ─────────────────────────────────────────────────────────────────────────────────────────────
CREATE SCHEMA sealed;
CREATE TABLE sealed.cases (
    id          uuid PRIMARY KEY,
    district_id text NOT NULL,
    opened_week text NOT NULL,                            -- the week only: an exact time can name a person
    due_acknowledge date NOT NULL,
    due_resolve date NOT NULL,
    status      text NOT NULL DEFAULT 'received' CHECK (status IN ('received', 'seen', 'in_progress', 'closed')),
    code_hash   bytea NOT NULL UNIQUE,                    -- Argon2id of the case code
    recipients  uuid[] NOT NULL,
    overdue     boolean NOT NULL DEFAULT false
);
CREATE TABLE sealed.items (
    id      uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    seq     bigint GENERATED ALWAYS AS IDENTITY,
    blob    bytea NOT NULL                                -- padded, XChaCha20-Poly1305 under a key of its own
);
CREATE INDEX sealed_items_of ON sealed.items (case_id, seq);
CREATE TABLE sealed.wraps (
    item_id   uuid NOT NULL,
    reader    text NOT NULL,                              -- staff id, or 'escrow'
    wrap      bytea NOT NULL,                             -- SealedBox(reader's public key) of the item's key
    PRIMARY KEY (item_id, reader)
);
CREATE FUNCTION sealed.case_by_code(p_hash bytea)
RETURNS TABLE (case_id uuid, status text, due_resolve date, district_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT id, status, due_resolve, district_id FROM sealed.cases WHERE code_hash = p_hash
$$;
CREATE FUNCTION sealed.readers_of(p_case uuid) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sealed, pg_temp AS $$
    SELECT recipients FROM sealed.cases WHERE id = p_case
$$;
-- Which protected handlers a new case may be sealed to: names and keys, nothing else of the staff table.
CREATE FUNCTION sealed.roster(p_district text) RETURNS TABLE (id uuid, public_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, public_key FROM public.staff
    WHERE role = 'protected' AND disabled_at IS NULL AND public_key IS NOT NULL
      AND district_id IS NULL                             -- who is accused is not known here: nobody of the same district
      -- The demo's keys are no secret: they open what was written to the demo, and never a real district's case.
      AND (NOT demo OR p_district = '' OR EXISTS (SELECT FROM public.districts d WHERE d.id = p_district AND d.demo))
    ORDER BY id
$$;

-- ── roles: the owner migrates; these three run ─────────────────────────────────────────────────────────────────────
GRANT USAGE ON SCHEMA public TO jawab_intake, jawab_console, jawab_report;
GRANT USAGE ON SCHEMA sealed TO jawab_intake, jawab_console;
REVOKE ALL ON FUNCTION audit_write(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION sealed.case_by_code(bytea), sealed.readers_of(uuid), sealed.roster(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_write(text, text, text) TO jawab_intake, jawab_console;
GRANT EXECUTE ON FUNCTION sealed.case_by_code(bytea), sealed.readers_of(uuid), sealed.roster(text) TO jawab_intake;

-- intake: the citizen's side (web hooks, deliver, quiet sessions). It cannot read a case's answers, staff or the audit.
GRANT SELECT ON districts, places, offices, responsibilities, rounds, facilities, editions TO jawab_intake;
GRANT SELECT, INSERT, UPDATE ON channels, contacts, sessions, inbox, outbox, media TO jawab_intake;
GRANT DELETE ON media TO jawab_intake;
GRANT SELECT, INSERT ON consents, code_tries TO jawab_intake;
GRANT SELECT, INSERT, UPDATE ON cases, clocks TO jawab_intake;
GRANT INSERT ON case_items, case_history, alarms TO jawab_intake;
GRANT SELECT, INSERT, UPDATE, DELETE ON sorting TO jawab_intake;
GRANT SELECT, INSERT, UPDATE ON ratings TO jawab_intake;
GRANT INSERT ON sealed.cases, sealed.items, sealed.wraps TO jawab_intake;

-- console: the desk and the clocks. It reads sealed boxes it cannot open; it never sees an inbox body or a session.
GRANT SELECT, INSERT, UPDATE ON districts, places, channels, offices, responsibilities, staff, facilities, rounds TO jawab_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk_sessions, login_attempts TO jawab_console;
GRANT SELECT ON contacts, ratings, consents TO jawab_console;
GRANT SELECT, INSERT, UPDATE ON outbox TO jawab_console;
GRANT SELECT ON media TO jawab_console;
GRANT UPDATE (case_id, sealed_case_id) ON media TO jawab_console;
GRANT SELECT, INSERT, UPDATE ON cases, clocks, referrals, commitments, editions TO jawab_console;
GRANT SELECT, INSERT ON case_items, case_history TO jawab_console;
GRANT SELECT, DELETE ON sorting TO jawab_console;
GRANT SELECT, INSERT, UPDATE ON alarms TO jawab_console;
GRANT SELECT ON audit TO jawab_console;
GRANT SELECT (id, provider, contact_id, received_at, state, attempts, error) ON inbox TO jawab_console;
GRANT UPDATE (body) ON inbox TO jawab_console;             -- sealing a story blanks its ordinary copies
GRANT SELECT ON sealed.cases, sealed.items, sealed.wraps TO jawab_console;
GRANT INSERT ON sealed.cases, sealed.items, sealed.wraps TO jawab_console;
GRANT UPDATE (status, overdue) ON sealed.cases TO jawab_console;
GRANT EXECUTE ON FUNCTION sealed.roster(text), sealed.readers_of(uuid) TO jawab_console;

-- report: the public window.
GRANT SELECT (kind, address, district_id) ON channels TO jawab_report;
GRANT SELECT ON districts, places, offices, rounds, facilities, responsibilities TO jawab_report;
GRANT SELECT (id, district_id, week, state, items, digest, approved_at, sent_at) ON editions TO jawab_report;
GRANT SELECT (round_id, facility_id, contact_id, indicator, score, at) ON ratings TO jawab_report;
GRANT SELECT (id, district_id, category, place_id, draft, status, may_message, office_id, opened_at, resolved_at, outcome) ON cases TO jawab_report;
GRANT SELECT ON clocks, commitments TO jawab_report;
GRANT SELECT (id, case_id, at, verb, was, became) ON case_history TO jawab_report;
