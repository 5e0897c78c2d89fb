-- Nobody answers at a provider: what its numbers owe waits, loses no attempt and keeps its order, until somebody does.
ALTER TABLE channels ADD COLUMN away_since timestamptz;

-- One person's messages go out in the order in which they were written: each waits for those before it.
CREATE INDEX outbox_of_person ON outbox (contact_id, due_at) WHERE state IN ('queued', 'sending');

-- Whoever sends sees that somebody answers again, and says so.
GRANT UPDATE (cleared_at) ON alarms TO jawab_intake;
