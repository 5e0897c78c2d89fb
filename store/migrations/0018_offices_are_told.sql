-- An office is a party: it can be reached, what it is told of a case is a row with its own times, a link opens that case
-- to it and to nobody else, and what it writes there stands with the case for a handler.

-- ── how an office, or a supervisor of the desk, is reached ─────────────────────────────────────────────────────────
CREATE TABLE ways (
    id          uuid PRIMARY KEY,
    office_id   uuid REFERENCES offices,
    staff_id    uuid REFERENCES staff,
    kind        text NOT NULL CHECK (kind IN ('whatsapp', 'sms', 'email')),
    address_tag bytea NOT NULL,                           -- keyed hash: is it the same as another one?
    address_box bytea NOT NULL,                           -- encrypted
    lang        text NOT NULL DEFAULT 'ur' CHECK (lang IN ('ur', 'en')),
    added_at    timestamptz NOT NULL,
    ended_at    timestamptz,
    CHECK ((office_id IS NULL) <> (staff_id IS NULL))
);
CREATE UNIQUE INDEX ways_of_office ON ways (office_id, kind) WHERE office_id IS NOT NULL AND ended_at IS NULL;
CREATE UNIQUE INDEX ways_of_staff ON ways (staff_id, kind) WHERE staff_id IS NOT NULL AND ended_at IS NULL;

ALTER TABLE offices
    ADD COLUMN rung smallint CHECK (rung IN (14, 21)),    -- whom a case goes to that is late by so many days
    ADD COLUMN pin_tag bytea,                             -- keyed hash of the PIN given to its head in person
    ADD COLUMN pin_at timestamptz;
CREATE UNIQUE INDEX offices_rung ON offices (district_id, rung) NULLS NOT DISTINCT WHERE rung IS NOT NULL;

-- ── the link: one message to one office, and what opens it ─────────────────────────────────────────────────────────
CREATE TABLE links (
    id          uuid PRIMARY KEY,
    office_id   uuid NOT NULL REFERENCES offices,
    token_hash  bytea NOT NULL UNIQUE,                    -- SHA-256: a dump opens no link
    code_tag    bytea,                                    -- keyed hash of the code sent the other way; null: the office's PIN
    way_id      uuid REFERENCES ways,                     -- which way it goes
    outbox_id   uuid REFERENCES outbox,                   -- the message that carried it, by its channel …
    mail_id     uuid,                                     -- … or by e-mail
    code_way_id uuid REFERENCES ways,                     -- the other way, which the code goes; the same for it
    code_outbox_id uuid REFERENCES outbox,
    code_mail_id uuid,
    gathers     boolean NOT NULL,                         -- the day's reminders and escalations, not one referral
    at          timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    went_at     timestamptz,                              -- its message has gone out
    failed_at   timestamptz,                              -- it did not, and another way is tried
    wrong       smallint NOT NULL DEFAULT 0,              -- wrong codes typed
    wrong_at    timestamptz,
    locked_at   timestamptz,
    revoked_at  timestamptz,
    opened_at   timestamptz
);
CREATE INDEX links_under_way ON links (at) WHERE went_at IS NULL AND failed_at IS NULL;
CREATE INDEX links_of_office ON links (office_id, at);
CREATE TABLE link_sessions (                              -- a browser that typed the code
    token_hash  bytea PRIMARY KEY,
    link_id     uuid NOT NULL REFERENCES links ON DELETE CASCADE,
    csrf        text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

-- ── what an office is told of a case ───────────────────────────────────────────────────────────────────────────────
ALTER TABLE referrals
    ADD COLUMN kind text NOT NULL DEFAULT 'refer' CHECK (kind IN ('refer', 'remind', 'escalate')),
    ADD COLUMN rung smallint CHECK (rung IN (14, 21)),    -- of an escalation: which day it is for
    ADD COLUMN of_id uuid REFERENCES referrals ON DELETE CASCADE,   -- of a reminder: what it reminds of
    ADD COLUMN reference text,                            -- what the office knows it by: never the citizen's code
    ADD COLUMN summary bytea,                             -- encrypted: the handler's own words for the office
    ADD COLUMN link_id uuid REFERENCES links,             -- the last message about it
    ADD COLUMN bad_ways uuid[] NOT NULL DEFAULT '{}',     -- those that were found not to lead there
    ADD COLUMN told_at timestamptz,                       -- a message to the office has gone out
    ADD COLUMN unreached_at timestamptz,                  -- no way leads to the office
    ADD COLUMN seen_at timestamptz,                       -- somebody there opened it with the code
    ADD COLUMN answered_at timestamptz,
    ADD COLUMN silent_at timestamptz,                     -- the day passed and nobody there had answered
    ALTER COLUMN by_staff DROP NOT NULL,                  -- null: the clock
    ADD CHECK ((kind = 'escalate') = (rung IS NOT NULL)),
    ADD CHECK ((kind = 'remind') = (of_id IS NOT NULL));
-- What was handed on before offices could be reached reached nobody.
UPDATE referrals SET reference = translate(left(id::text, 8), 'abcdef', '012345'), unreached_at = at;
ALTER TABLE referrals ALTER COLUMN reference SET NOT NULL;
CREATE INDEX referrals_of_case ON referrals (case_id, at);
CREATE INDEX referrals_of_link ON referrals (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX referrals_written ON referrals (office_id, at)
    WHERE link_id IS NULL AND told_at IS NULL AND unreached_at IS NULL AND done_at IS NULL;
CREATE INDEX referrals_unanswered ON referrals (due_on)
    WHERE told_at IS NOT NULL AND answered_at IS NULL AND done_at IS NULL AND silent_at IS NULL;
CREATE UNIQUE INDEX referrals_rung_once ON referrals (case_id, rung) WHERE rung IS NOT NULL;
CREATE UNIQUE INDEX referrals_reminded_once ON referrals (of_id) WHERE of_id IS NOT NULL;

CREATE TABLE office_lines (                               -- what an office wrote about a case, for the handlers
    id          uuid PRIMARY KEY,                         -- of the form: one that is sent twice is one line
    case_id     uuid NOT NULL REFERENCES cases ON DELETE CASCADE,
    referral_id uuid NOT NULL REFERENCES referrals ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('acknowledge', 'answer', 'ask', 'date', 'not_ours')),
    body        bytea,                                    -- encrypted
    day         date,                                     -- of a named date
    late        boolean NOT NULL,                         -- the case was not open any more
    passed_at   timestamptz,                              -- a handler passed it on to who wrote
    passed_by   uuid REFERENCES staff
);
CREATE INDEX office_lines_of_case ON office_lines (case_id, at);

-- ── the clocks' third step, and supervisors who are told once a day ────────────────────────────────────────────────
ALTER TABLE clocks ADD COLUMN topped_at timestamptz;      -- seven days after the fourteenth, the case went to the top
CREATE INDEX clocks_to_top ON clocks (due_at)
    WHERE kind = 'resolve' AND met_at IS NULL AND overdue_at IS NOT NULL AND topped_at IS NULL;
CREATE TABLE supervisors_told (
    staff_id    uuid NOT NULL REFERENCES staff,
    day         date NOT NULL,
    cases       int NOT NULL,
    PRIMARY KEY (staff_id, day)
);

ALTER TABLE outbox DROP CONSTRAINT outbox_purpose_check,
    ADD CONSTRAINT outbox_purpose_check CHECK (purpose IN ('reply', 'case', 'edition', 'office'));

-- ── e-mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE mails (
    id          uuid PRIMARY KEY,
    way_id      uuid NOT NULL REFERENCES ways,
    message     bytea NOT NULL,                           -- encrypted {"subject": [key, values], "says": [[key, values]…]}
    state       text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'withdrawn')),
    attempts    int NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL,
    claimed_at  timestamptz,
    error       text,                                     -- the kind of failure, never words
    created_at  timestamptz NOT NULL,
    sent_at     timestamptz
);
CREATE INDEX mails_due ON mails (due_at) WHERE state IN ('queued', 'sending');
ALTER TABLE links ADD FOREIGN KEY (mail_id) REFERENCES mails, ADD FOREIGN KEY (code_mail_id) REFERENCES mails;

-- ── who may ────────────────────────────────────────────────────────────────────────────────────────────────────────
GRANT SELECT, INSERT, UPDATE ON ways, links, office_lines, mails TO jawab_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON link_sessions TO jawab_console;
GRANT DELETE ON office_lines TO jawab_console;            -- what goes behind the protected door
GRANT SELECT, INSERT, DELETE ON supervisors_told TO jawab_console;
GRANT INSERT ON contacts, sessions TO jawab_console;      -- an office's number becomes a contact like any other
