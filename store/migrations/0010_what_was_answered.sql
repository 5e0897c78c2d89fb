-- What a case was answered with, each time: a week that is over is told from its own lines, and not from what the case
-- was answered with later. Of the lines' data this alone is for the public window.
ALTER TABLE case_history
    ADD COLUMN outcome text GENERATED ALWAYS AS (CASE WHEN verb = 'resolve' THEN data ->> 'outcome' END) STORED;
GRANT SELECT (outcome) ON case_history TO jawab_report;
