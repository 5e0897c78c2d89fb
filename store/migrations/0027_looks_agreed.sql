-- A protected handler who has opened many cases in an hour is stopped until a second reader agrees: who, to whom, when.
CREATE TABLE sealed.agreed (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    staff_id  uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    agreed_by uuid NOT NULL REFERENCES staff ON DELETE CASCADE CHECK (agreed_by <> staff_id),
    at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sealed_agreed_of ON sealed.agreed (staff_id, at);
GRANT SELECT ON sealed.agreed TO jawab_custody;
GRANT INSERT (staff_id, agreed_by) ON sealed.agreed TO jawab_custody;  -- its time is the database's
