-- What is this server, when did it start, when were its statistics reset, and what may we see of it?
-- Least version: 17. Grants: none (without pg_monitor the checkpointer's start is NULL). Cost: 0.2 ms.
-- A crash of a backend restarts the checkpointer but not the postmaster, and wipes the statistics.
SELECT current_setting('server_version_num')::int AS version_num,
       current_setting('server_version') AS version,
       pg_is_in_recovery() AS in_recovery,
       current_database() AS datname,
       pg_postmaster_start_time()::text AS started,
       (SELECT min(backend_start)::text FROM pg_stat_activity WHERE backend_type = 'checkpointer') AS checkpointer,
       (SELECT string_agg(datid || '@' || stats_reset, ' ' ORDER BY datid) FROM pg_stat_database
        WHERE stats_reset IS NOT NULL) AS resets,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_bgwriter) AS reset_bgwriter,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_archiver) AS reset_archiver,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_slru) AS reset_slru,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_wal) AS reset_wal,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_replication_slots) AS reset_replication_slots,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_subscription_stats) AS reset_subscription_stats,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_io) AS reset_io,
       (SELECT extract(epoch FROM max(stats_reset))::float8 FROM pg_stat_checkpointer) AS reset_checkpointer,
       pg_has_role(current_user, 'pg_monitor', 'member') AS monitors
