-- What kind of statements are these, and which of them differ in their lists of values only?
-- Least version: 13. Grants: pg_monitor. Cost: 18 ms at 5,000 entries; asked once for each new statement.
-- What a text begins with and its shape say it: long lists are shortened here, so that they need not travel.
SELECT DISTINCT ON (queryid) queryid,
       left(CASE WHEN length(query) > 4000
                 THEN regexp_replace(query, '(\mIN\s*\(\s*|\[\s*)\$\d+(\s*,\s*\$\d+)+', '\1$0', 'gi')
                 ELSE query END, 4000) AS query
FROM pg_stat_statements(true)
WHERE queryid = ANY (%s::bigint[])
ORDER BY queryid
