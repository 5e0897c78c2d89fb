-- What was said to cases in a week is found by when it was said, not by going through all that was ever said; and how often
-- each score was given to a facility in a round, without going to the rows.
CREATE INDEX case_history_said ON case_history (verb, at);
CREATE INDEX ratings_counted ON ratings (round_id, facility_id, indicator, score);
