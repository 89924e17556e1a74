-- What kind of statements are these, and which of them differ in their lists of values only?
-- Least version: 13. Grants: pg_monitor. Cost: 18 ms at 5,000 entries; asked once for each new statement.
-- What a text begins with and its shape say it: long lists are shortened here, so that they need not travel. Why it is
-- a block: see statement_texts.
DO $$
DECLARE
    wanted bigint[] := current_setting('trivet.wanted');
BEGIN
    PERFORM set_config('trivet.answer', (
        SELECT coalesce(json_agg(json_build_array(s.queryid,
               left(CASE WHEN length(s.query) > 4000
                         THEN regexp_replace(s.query, '(\mIN\s*\(\s*|\[\s*)\$\d+(\s*,\s*\$\d+)+', '\1$0', 'gi')
                         ELSE s.query END, 4000))), '[]')::text
        FROM (SELECT DISTINCT ON (queryid) queryid, query
              -- Joined: to look for each in a list of thousands takes seconds.
              FROM pg_stat_statements(true) JOIN (SELECT DISTINCT unnest(wanted) AS queryid) AS w USING (queryid)
              ORDER BY queryid, query) AS s), false);
EXCEPTION WHEN OTHERS THEN
    PERFORM set_config('trivet.answer', SQLSTATE || ' ' || SQLERRM, false);
END $$
