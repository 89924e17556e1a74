-- Which locks are held and waited for, by database and mode?
-- Least version: 10. Grants: none. Cost: 0.2 ms; more with many sessions and locks.
-- Without those that this statement takes itself.
SELECT coalesce(d.datname, '') AS datname, lower(l.mode) AS mode, l.granted::text AS granted, count(*) AS locks
FROM pg_locks AS l
LEFT JOIN pg_database AS d ON d.oid = l.database
WHERE l.pid IS DISTINCT FROM pg_backend_pid()
GROUP BY 1, 2, 3
ORDER BY locks DESC
LIMIT 1000
