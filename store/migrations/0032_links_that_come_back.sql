-- A message to an office that had gone out and did not arrive after all is looked for while that may still be said.
CREATE INDEX links_went ON links (went_at) WHERE failed_at IS NULL AND opened_at IS NULL;
