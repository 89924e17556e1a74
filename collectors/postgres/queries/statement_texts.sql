-- What are the texts of these statements?
-- Least version: 13. Grants: pg_monitor. Cost: 18 ms at 5,000 entries; asked once for each statement that is shown.
-- One text that is none in the database's encoding is an error of the whole view. Caught here it is none of the server's
-- log; what is found goes out by statement_answer.
DO $$
DECLARE
    wanted bigint[] := current_setting('trivet.wanted');
BEGIN
    PERFORM set_config('trivet.answer', (
        SELECT coalesce(json_agg(json_build_array(s.queryid, left(s.query, 20000))), '[]')::text
        FROM (SELECT DISTINCT ON (queryid) queryid, query
              -- Joined: to look for each in a list of thousands takes seconds.
              FROM pg_stat_statements(true) JOIN (SELECT DISTINCT unnest(wanted) AS queryid) AS w USING (queryid)
              ORDER BY queryid, query) AS s), false);
EXCEPTION WHEN OTHERS THEN
    PERFORM set_config('trivet.answer', SQLSTATE || ' ' || SQLERRM, false);
END $$
