-- What pages show of an edition, without the cases and promises behind each line: a page that shows a week read thousands
-- of ids to leave them out. It follows the lines by itself. The public window has no way to those ids any more.
CREATE FUNCTION shown_items(p_items jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_agg(item - 'cases' - 'commitments' - 'commitment' ORDER BY n), '[]'::jsonb)
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS lines (item, n)
$$;
REVOKE ALL ON FUNCTION shown_items(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shown_items(jsonb) TO jawab_console;
ALTER TABLE editions ADD COLUMN shown jsonb NOT NULL GENERATED ALWAYS AS (shown_items(items)) STORED;
REVOKE SELECT (items) ON editions FROM jawab_report;
GRANT SELECT (shown) ON editions TO jawab_report;
