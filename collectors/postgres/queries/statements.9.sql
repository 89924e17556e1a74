-- What has each statement cost?
-- Least version: pg_stat_statements 1.9, of PostgreSQL 14. Grants: pg_monitor. Cost: 25 ms at 5,000 entries.
-- Without texts: with them the server reads a file of megabytes. Statements inside functions are part of their
-- caller's time: only the outer ones count.
SELECT d.datname, coalesce(r.rolname, s.userid::text) AS rolname, s.queryid, s.userid::bigint AS userid,
       s.dbid::bigint AS dbid, NULL::float8 AS stats_since,
       s.calls, s.total_exec_time, s.rows, s.plans, s.total_plan_time,
       s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
       s.local_blks_hit, s.local_blks_read, s.local_blks_dirtied, s.local_blks_written,
       s.temp_blks_read, s.temp_blks_written,
       s.wal_records, s.wal_fpi, s.wal_bytes::float8 AS wal_bytes,
       s.blk_read_time AS shared_blk_read_time, s.blk_write_time AS shared_blk_write_time
FROM pg_stat_statements(false) AS s
JOIN pg_database AS d ON d.oid = s.dbid
LEFT JOIN pg_roles AS r ON r.oid = s.userid
WHERE s.queryid IS NOT NULL AND s.toplevel
LIMIT 100001
