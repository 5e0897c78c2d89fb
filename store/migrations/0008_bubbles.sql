-- Several messages that say one thing get one reply: the reply that is still held is replaced by the next one, and every
-- message knows which of ours answers it.
ALTER TABLE sessions ADD COLUMN held_id uuid;              -- the reply that may still be held; its moment is in the state
ALTER TABLE inbox ADD COLUMN answered_by uuid;             -- the message of ours that answers this one; null: none does
