-- Beyond WhatsApp's 24 hours only a text that the provider has approved may go out: one for each purpose and language of
-- an account there. `lang` is our language and `code` the provider's, which has none for Balochi and Brahui.
CREATE TABLE templates (
    account    text NOT NULL,                             -- the provider's id of the account that it stands under
    name       text NOT NULL,                             -- what it is for: a row of locales.templates
    lang       text NOT NULL,
    code       text NOT NULL,
    digest     text NOT NULL,                             -- of the text that was handed in: another text is another template
    content    text NOT NULL,                             -- the provider's id of it
    state      text NOT NULL CHECK (state IN
               ('made', 'received', 'pending', 'approved', 'rejected', 'paused', 'disabled', 'doubted')),
    reason     text NOT NULL DEFAULT '',                  -- why it was turned down, in the provider's words
    made_at    timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz,
    PRIMARY KEY (account, name, lang)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON templates TO jawab_console;
GRANT SELECT, UPDATE ON templates TO jawab_intake;

-- A message may go out as a template while its own words wait for their reader. `template` is what it last went out as;
-- `freed_at` when the person wrote and the words followed; `notice_of` the message that this one, on another number of
-- theirs, only says something of. `missed`: its words have not been shown, and the person's next message shows them.
ALTER TABLE outbox
    ADD COLUMN template text,
    ADD COLUMN freed_at timestamptz,
    ADD COLUMN notice_of uuid REFERENCES outbox ON DELETE SET NULL,
    ADD COLUMN missed boolean NOT NULL GENERATED ALWAYS AS (
        state = 'parked'
        OR (template IS NOT NULL AND freed_at IS NULL AND state IN ('sent', 'delivered', 'read', 'undelivered', 'failed'))
        OR (purpose = 'case' AND notice_of IS NULL AND freed_at IS NULL AND state IN ('undelivered', 'failed'))) STORED;
DROP INDEX outbox_parked;
CREATE INDEX outbox_missed ON outbox (contact_id) WHERE missed;
CREATE INDEX outbox_parked ON outbox (due_at) WHERE state = 'parked';
CREATE UNIQUE INDEX outbox_notice ON outbox (notice_of) WHERE notice_of IS NOT NULL;
-- What is parked was looked at once and for all until now.
UPDATE outbox SET due_at = now() WHERE state = 'parked';

-- `knocked_at`: when a template last went to this person, one a day. `shut_at`: when the provider said that their window is.
ALTER TABLE contacts ADD COLUMN knocked_at timestamptz, ADD COLUMN shut_at timestamptz;

GRANT SELECT (template, freed_at, notice_of, missed) ON outbox TO jawab_report;
