-- What are the texts of these statements?
-- Least version: 13. Grants: pg_monitor. Cost: 18 ms at 5,000 entries; asked once for each statement that is shown.
SELECT DISTINCT ON (queryid) queryid, left(query, 20000) AS query
FROM pg_stat_statements(true)
WHERE queryid = ANY (%s::bigint[])
ORDER BY queryid
