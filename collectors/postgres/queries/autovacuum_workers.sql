-- Which tables does autovacuum work on, and since when?
-- Least version: 10. Grants: pg_monitor (without it there are none). Cost: 0.3 ms at 100 sessions.
-- What a worker does stands where the others have their statement. Names are as they are, without quotes.
SELECT datname, found[1] AS command, found[2] AS relation, (found[3] IS NOT NULL)::text AS wraparound,
       min(extract(epoch FROM xact_start))::float8 AS started
FROM pg_stat_activity,
     LATERAL regexp_matches(query, '^autovacuum: (VACUUM ANALYZE|VACUUM|ANALYZE) (.*?)( \(to prevent wraparound\))?$') AS found
WHERE backend_type = 'autovacuum worker' AND datname IS NOT NULL AND xact_start IS NOT NULL
GROUP BY 1, 2, 3, 4
ORDER BY started
LIMIT 50
