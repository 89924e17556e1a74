-- Which transactions of clients have lasted for longer than so many seconds?
-- Least version: 10. Grants: pg_monitor. Cost: 0.3 ms at 100 sessions.
SELECT pid, backend_start::text AS backend_start, xact_start::text AS xact_start,
       extract(epoch FROM xact_start)::float8 AS since,
       coalesce(datname, '') AS database, coalesce(usename, '') AS "user", application_name AS application,
       host(client_addr) AS address, state, wait_event_type, wait_event,
       age(backend_xmin) AS xmin_age, substring(textsend(query) FROM 1 FOR 1000) AS query
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name <> 'trivet'
      AND xact_start < clock_timestamp() - %s::float8 * interval '1 second'
ORDER BY xact_start
LIMIT 20
