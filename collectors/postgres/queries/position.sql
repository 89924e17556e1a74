-- Where is the WAL, and if this is a standby, how far is it behind?
-- Least version: 10. Grants: pg_monitor for the WAL receiver. Cost: 0.1 ms.
-- All received is replayed, and more would be received: an idle primary is no lag. What is not true of the role is NULL.
WITH state AS (
    SELECT pg_is_in_recovery() AS standby,
           pg_last_wal_receive_lsn() AS received, pg_last_wal_replay_lsn() AS replayed,
           EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') AS receiving,
           greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))::float8 AS age
)
SELECT standby,
       extract(epoch FROM pg_postmaster_start_time())::float8 AS started,
       pg_wal_lsn_diff(CASE WHEN standby THEN coalesce(received, replayed) ELSE pg_current_wal_lsn() END, '0/0')::float8
           AS position,
       CASE WHEN standby THEN CASE WHEN receiving AND received <= replayed THEN 0 ELSE age END END AS lag,
       CASE WHEN standby THEN age END AS replayed,
       CASE WHEN standby THEN greatest(0, pg_wal_lsn_diff(received, replayed))::float8 END AS replay_bytes,
       CASE WHEN standby THEN receiving END AS receiving,
       CASE WHEN standby THEN pg_is_wal_replay_paused() END AS paused
FROM state
