-- Whom a district's next edition would go to, as it was last counted (broadcast/expected.py): fifty thousand people were
-- asked one by one how they could be reached, each time that somebody looked at a draft.
-- `ways` are {"now", "template", "sms"}, `passed` {why somebody is passed over: people}, `forms` [[kind, lang, people], …].
CREATE TABLE audiences (
    district_id text PRIMARY KEY REFERENCES districts (id),
    counted_at  timestamptz NOT NULL,
    ways        jsonb NOT NULL,
    passed      jsonb NOT NULL,
    forms       jsonb NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON audiences TO jawab_console;

-- Answers that nobody could be told yet are put under a younger key each hour; they were found by reading all of the outbox.
CREATE INDEX outbox_missed_replies ON outbox (contact_id) WHERE missed AND purpose = 'reply';
