-- Who keeps vacuum from removing dead rows, and since how many transactions?
-- Least version: 10. Grants: pg_monitor. Cost: 0.5 ms at 100 sessions.
-- The oldest of each kind: sessions, replication slots, prepared transactions, standbys with hot_standby_feedback.
SELECT DISTINCT ON (holder) holder, name, age
FROM (
    SELECT 'session' AS holder, pid || ' ' || coalesce(usename, '') || ' ' || application_name AS name,
           greatest(age(backend_xmin), age(backend_xid)) AS age
    FROM pg_stat_activity
    WHERE backend_type <> 'walsender' AND pid <> pg_backend_pid()
    UNION ALL
    SELECT 'slot', slot_name::text, greatest(age(xmin), age(catalog_xmin)) FROM pg_replication_slots
    UNION ALL
    SELECT 'prepared', gid, age(transaction) FROM pg_prepared_xacts
    UNION ALL
    SELECT 'standby', application_name, age(backend_xmin) FROM pg_stat_replication
) AS holders
WHERE age IS NOT NULL
ORDER BY holder, age DESC
