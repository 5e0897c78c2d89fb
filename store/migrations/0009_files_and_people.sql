-- Files and people: why a file was not kept, told once to who sent it; who hides their number on WhatsApp stays who they
-- are, by a keyed tag of the id that the provider names beside it.

-- ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────
ALTER TABLE media
    ADD COLUMN inbox_id uuid,                             -- the message it came with: what is said of it answers that
    DROP CONSTRAINT media_fault_check,
    ADD CONSTRAINT media_fault_check CHECK (fault IN ('gone', 'kind', 'size', 'unreachable', 'foreign', 'many'));
ALTER TABLE contacts ADD COLUMN file_told_at timestamptz; -- when a refused file was last told: an album is told once

-- ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- `address_*` stays the number where one was ever seen; `reached_*` is the id they write from while they hide it.
ALTER TABLE contacts
    ADD COLUMN person_tag bytea,                          -- keyed hash of the provider's id of a person, as address_tag
    ADD COLUMN reached_tag bytea,
    ADD COLUMN reached_box bytea,
    ADD CHECK ((reached_tag IS NULL) = (reached_box IS NULL));
CREATE INDEX contacts_by_person ON contacts (channel_id, person_tag) WHERE person_tag IS NOT NULL;
