-- Who waits for a lock, and for whom?
-- Least version: 14. Grants: pg_monitor. Cost: 1 ms for each that waits; it holds the lock manager for a moment: asked
-- only while somebody waits. Sessions that wait, and those that they wait for.
WITH waiting AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blockers
    FROM pg_stat_activity
    WHERE wait_event_type = 'Lock'
    ORDER BY query_start
    LIMIT 100
)
SELECT a.pid, coalesce(w.blockers, '{}') AS blockers, a.backend_start::text AS backend_start,
       coalesce(a.datname, '') AS database, coalesce(a.usename, '') AS "user", a.application_name AS application,
       a.state, a.wait_event, extract(epoch FROM a.xact_start)::float8 AS transaction_since,
       extract(epoch FROM a.query_start)::float8 AS query_since, substring(textsend(a.query) FROM 1 FOR 1000) AS query,
       CASE WHEN w.pid IS NOT NULL THEN extract(epoch FROM clock_timestamp() - coalesce(l.since, a.query_start))::float8 END AS waited
FROM pg_stat_activity AS a
LEFT JOIN waiting AS w ON w.pid = a.pid
LEFT JOIN (SELECT pid, min(waitstart) AS since FROM pg_locks WHERE NOT granted GROUP BY pid) AS l ON l.pid = a.pid
WHERE w.pid IS NOT NULL OR a.pid IN (SELECT unnest(blockers) FROM waiting)
ORDER BY a.pid
LIMIT 200
