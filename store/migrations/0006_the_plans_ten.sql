-- The ten issues are the plan's: a category keeps its rows under its new name. No two become one, so every sum stays.

CREATE TEMPORARY TABLE renamed (was text PRIMARY KEY, now text NOT NULL) ON COMMIT DROP;
INSERT INTO renamed VALUES
    ('power', 'energy'), ('roads', 'infrastructure'), ('police', 'security'),
    ('relief', 'nutrition'), ('work', 'jobs'), ('land', 'resources');

UPDATE cases SET category = renamed.now FROM renamed WHERE category = renamed.was;
UPDATE responsibilities SET category = renamed.now FROM renamed WHERE category = renamed.was;
UPDATE commitments SET category = renamed.now FROM renamed WHERE category = renamed.was;

-- `services` is new: it has nobody named until a district names somebody, which citizens are told and figures count.
-- History, audit and editions stay as they were written (an edition's digest is what was approved): an old name in them
-- is read as the new one.
