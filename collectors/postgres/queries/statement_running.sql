-- What did sessions that ran these statements send last?
-- Least version: 14. Grants: pg_monitor. Cost: 0.3 ms. Asked only while the texts of pg_stat_statements cannot be read.
SELECT DISTINCT ON (query_id) query_id, substring(textsend(query) FROM 1 FOR 4000) AS query
FROM pg_stat_activity
WHERE query_id = ANY (%s::bigint[])
ORDER BY query_id
