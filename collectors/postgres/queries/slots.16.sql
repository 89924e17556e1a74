-- What does each replication slot keep, and for whom?
-- Least version: 16. Grants: none. Cost: 0.1 ms.
SELECT slot_name, slot_type, coalesce(database, '') AS database, active, coalesce(wal_status, '') AS wal_status, safe_wal_size,
       conflicting,
       1 AS one,
       greatest(0, pg_wal_lsn_diff(now, restart_lsn))::float8 AS retained,
       greatest(0, pg_wal_lsn_diff(now, confirmed_flush_lsn))::float8 AS unconfirmed,
       pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::float8 AS confirmed,
       pg_wal_lsn_diff(now, '0/0')::float8 AS current
FROM pg_replication_slots,
     LATERAL (SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                          ELSE pg_current_wal_lsn() END AS now) AS position
ORDER BY slot_name
LIMIT 100
