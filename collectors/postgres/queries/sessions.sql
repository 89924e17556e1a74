-- How long do clients keep transactions open, who waits, and how many may there be?
-- Least version: 10. Grants: pg_monitor (without it only our own session is seen). Cost: 0.4 ms at 100 sessions.
SELECT count(*) FILTER (WHERE wait_event_type = 'Lock') AS lock_waiters,
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)) FILTER (WHERE pid <> pg_backend_pid()), 0)
           AS longest_transaction,
       coalesce(max(extract(epoch FROM clock_timestamp() - state_change)) FILTER (WHERE state LIKE 'idle in transaction%'), 0)
           AS longest_idle_in_transaction,
       count(*) FILTER (WHERE xact_start IS NOT NULL AND state <> 'idle' AND application_name <> 'trivet') AS open_transactions,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS max_connections,
       pg_size_bytes(current_setting('shared_buffers')) AS shared_buffers
FROM pg_stat_activity
WHERE backend_type = 'client backend'
