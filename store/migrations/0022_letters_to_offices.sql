-- An office that no message reaches is told on paper: a letter with a code that a telephone reads. It has told the office
-- on the day that somebody writes to whom it was handed. A link without a way is such a letter's.
CREATE TABLE letters (
    id          uuid PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referrals ON DELETE CASCADE,
    link_id     uuid REFERENCES links,                    -- what its code opens; null: the office has no PIN
    printed_at  timestamptz NOT NULL,
    printed_by  uuid NOT NULL REFERENCES staff,
    handed_on   date,
    handed_to   bytea,                                    -- encrypted: who took it
    handed_by   uuid REFERENCES staff,                    -- who wrote so
    written_at  timestamptz,
    CHECK ((handed_on IS NULL) = (handed_to IS NULL) AND (handed_on IS NULL) = (handed_by IS NULL)
        AND (handed_on IS NULL) = (written_at IS NULL))
);
CREATE INDEX letters_of_referral ON letters (referral_id, printed_at);
-- What an office answered on paper is typed at the desk: its line says by whom.
ALTER TABLE office_lines ADD COLUMN typed_by uuid REFERENCES staff;

GRANT SELECT, INSERT, UPDATE ON letters TO jawab_console;
GRANT DELETE ON letters TO jawab_console;                 -- with a case that goes behind the protected door
