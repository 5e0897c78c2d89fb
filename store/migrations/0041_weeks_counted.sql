-- What is counted of each week, kept beside the rows it is counted from: a page reads what is kept and counts only what
-- has changed since. What is kept is never the truth: `jawab figures verify` counts it again from the rows.

-- What has to be counted again: a case, or the dismissals of a district in the week of a moment. Only added to, by the
-- change itself and in its transaction, so that nobody forgets it and nobody waits for another.
CREATE TABLE to_recount (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id     uuid,
    district_id text,
    at          timestamptz
);
-- What each case adds to which week. A case that stands overdue or without an office adds 1 to the first week at whose
-- end it does, and takes it away from the first at whose end it does not.
CREATE TABLE counted (
    case_id     uuid PRIMARY KEY,
    district_id text NOT NULL,
    category    text NOT NULL,
    place       text NOT NULL,                             -- of the tehsil, '' where none is known
    mondays     date[] NOT NULL,
    names       text[] NOT NULL,
    steps       int[] NOT NULL
);
-- All of them together, nothing held back. Of names such as "read:35" the number is tenths of a day.
CREATE TABLE week_cells (
    district_id text NOT NULL,
    monday      date NOT NULL,
    name        text NOT NULL,
    category    text NOT NULL,
    place       text NOT NULL,
    n           int NOT NULL,
    PRIMARY KEY (district_id, monday, name, category, place)
);
-- What may be told of each week that is over, as everybody reads it, and what of it the total counts.
CREATE TABLE told_weeks (
    district_id text NOT NULL,
    monday      date NOT NULL,
    told        json NOT NULL,
    shares      json NOT NULL,
    PRIMARY KEY (district_id, monday)
);
-- By which statement they were counted: with another one, all of it is counted again.
CREATE TABLE counted_with (query text PRIMARY KEY);

CREATE VIEW stale AS
    SELECT t.number, t.case_id, coalesce(c.district_id, t.district_id) AS district_id, t.at
    FROM to_recount t LEFT JOIN cases c ON c.id = t.case_id WHERE c.id IS NOT NULL OR t.at IS NOT NULL;
GRANT SELECT ON stale, counted, week_cells, told_weeks, counted_with TO jawab_console, jawab_report;
GRANT SELECT, INSERT, DELETE ON to_recount TO jawab_console;
GRANT INSERT, UPDATE, DELETE ON counted, week_cells, told_weeks, counted_with TO jawab_console;

CREATE FUNCTION note_recount() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'cases' THEN
        INSERT INTO to_recount (case_id) VALUES (NEW.id);
    ELSIF TG_TABLE_NAME = 'dismissals' THEN
        INSERT INTO to_recount (district_id, at) VALUES (NEW.district_id, NEW.at);
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO to_recount (case_id) VALUES (NEW.case_id);
    ELSE
        INSERT INTO to_recount (case_id) VALUES (OLD.case_id);
        IF TG_OP = 'UPDATE' AND NEW.case_id IS DISTINCT FROM OLD.case_id THEN
            INSERT INTO to_recount (case_id) VALUES (NEW.case_id);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION note_recount_of_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO to_recount (case_id) SELECT c.id FROM cases c
    WHERE c.district_id = CASE TG_TABLE_NAME WHEN 'districts' THEN NEW.id ELSE to_jsonb(NEW)->>'district_id' END;
    INSERT INTO to_recount (district_id, at) SELECT d.district_id, d.at FROM dismissals d
    WHERE TG_TABLE_NAME = 'districts' AND d.district_id = NEW.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION note_recount(), note_recount_of_all() FROM PUBLIC;

-- Every column that the counting reads. A case and its clocks begin with a line of its history.
CREATE TRIGGER note_recount AFTER INSERT ON case_history FOR EACH ROW EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount AFTER UPDATE OF district_id, category, place_id, may_message, office_id, opened_at ON cases
    FOR EACH ROW WHEN ((OLD.district_id, OLD.category, OLD.place_id, OLD.may_message, OLD.office_id, OLD.opened_at)
        IS DISTINCT FROM (NEW.district_id, NEW.category, NEW.place_id, NEW.may_message, NEW.office_id, NEW.opened_at))
    EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount AFTER UPDATE OF due_at, met_at ON clocks
    FOR EACH ROW WHEN ((OLD.due_at, OLD.met_at) IS DISTINCT FROM (NEW.due_at, NEW.met_at)) EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount AFTER INSERT ON case_items
    FOR EACH ROW WHEN (NEW.kind = 'said' OR NEW.author = 'citizen') EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount_gone AFTER DELETE ON case_items
    FOR EACH ROW WHEN (OLD.kind = 'said' OR OLD.author = 'citizen') EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount AFTER UPDATE OF case_id, state, sent_at, missed, template, stood, freed_at ON outbox
    FOR EACH ROW WHEN (coalesce(OLD.case_id, NEW.case_id) IS NOT NULL
        AND (OLD.case_id, OLD.state IN ('sent', 'delivered', 'read'), OLD.sent_at, OLD.missed, OLD.template, OLD.stood,
             OLD.freed_at) IS DISTINCT FROM (NEW.case_id, NEW.state IN ('sent', 'delivered', 'read'), NEW.sent_at,
             NEW.missed, NEW.template, NEW.stood, NEW.freed_at)) EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount AFTER INSERT OR UPDATE OF district_id, at, taken_back_at ON dismissals
    FOR EACH ROW EXECUTE FUNCTION note_recount();
CREATE TRIGGER note_recount AFTER UPDATE OF timezone ON districts
    FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION note_recount_of_all();
CREATE TRIGGER note_recount AFTER UPDATE OF parent_id, level ON places
    FOR EACH ROW WHEN ((OLD.parent_id, OLD.level) IS DISTINCT FROM (NEW.parent_id, NEW.level))
    EXECUTE FUNCTION note_recount_of_all();

CREATE INDEX cases_opened ON cases (district_id, opened_at);
