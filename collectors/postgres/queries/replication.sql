-- How far is each standby behind?
-- Least version: 10. Grants: pg_monitor (without it the positions are NULL). Cost: 0.1 ms.
-- Of several connections of one name and address the one that is most behind. Lags of time are NULL once nothing
-- happens: then they are zero if all is confirmed.
SELECT DISTINCT ON (application_name, client_addr)
       application_name, client_addr, pid, state, sync_state, 1 AS one,
       extract(epoch FROM reply_time)::float8 AS reply_time,
       pg_wal_lsn_diff(now, '0/0')::float8 AS position,
       greatest(0, pg_wal_lsn_diff(now, sent_lsn))::float8 AS sent_bytes,
       greatest(0, pg_wal_lsn_diff(now, write_lsn))::float8 AS write_bytes,
       greatest(0, pg_wal_lsn_diff(now, flush_lsn))::float8 AS flush_bytes,
       greatest(0, pg_wal_lsn_diff(now, replay_lsn))::float8 AS replay_bytes,
       coalesce(extract(epoch FROM write_lag), CASE WHEN write_lsn >= now THEN 0 END)::float8 AS write_lag,
       coalesce(extract(epoch FROM flush_lag), CASE WHEN flush_lsn >= now THEN 0 END)::float8 AS flush_lag,
       coalesce(extract(epoch FROM replay_lag), CASE WHEN replay_lsn >= now THEN 0 END)::float8 AS replay_lag
FROM (
    SELECT application_name, coalesce(host(client_addr), '') AS client_addr, pid, coalesce(state, '') AS state,
           coalesce(sync_state, '') AS sync_state, reply_time, sent_lsn, write_lsn, flush_lsn, replay_lsn,
           write_lag, flush_lag, replay_lag,
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS now
    FROM pg_stat_replication
) AS standbys
ORDER BY application_name, client_addr, replay_lsn NULLS FIRST
LIMIT 50
