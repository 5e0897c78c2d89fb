-- The list of protected cases is in the order of what is due next; of twenty thousand it read and sorted all for fifty lines.
-- What it holds stands in the rows, ids are random, and sealed.mix() empties it with its table: it tells no order of arrival.
CREATE INDEX sealed_cases_next ON sealed.cases (
    (status = 'closed'),
    least(follow_up_on, words_on, CASE WHEN status = 'received' THEN due_acknowledge ELSE due_resolve END),
    id
);
