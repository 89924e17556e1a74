-- In each database, how long do the oldest transaction, statement and idle transaction of a client last, and who waits?
-- Least version: 10. Grants: pg_monitor. Cost: 0.3 ms at 100 sessions.
-- An age is of the moment it is asked, the sample of the round's first answer: apart by a round's length at most, which the
-- source's deadline bounds, and that is never longer than its interval.
-- Without our own; a backend that only sends WAL has no transaction.
SELECT datname,
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS transaction,
       coalesce(max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active'), 0)::float8 AS query,
       coalesce(max(extract(epoch FROM clock_timestamp() - state_change)) FILTER (WHERE state LIKE 'idle in transaction%'), 0)::float8
           AS idle,
       count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiters
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND datname IS NOT NULL AND application_name <> 'trivet'
GROUP BY datname
ORDER BY count(*) DESC
LIMIT 100
