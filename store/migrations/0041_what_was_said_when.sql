-- What was said to cases in a week is found by when it was said, not by going through all that was ever said.
CREATE INDEX case_history_said ON case_history (verb, at);
