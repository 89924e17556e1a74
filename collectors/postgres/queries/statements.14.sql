-- What has each statement cost?
-- Least version: 14. Grants: pg_monitor. Cost: 16 ms at 5,000 entries.
-- Without texts: with them the server reads a file of megabytes. Statements inside functions are part of their
-- caller's time: only the outer ones count.
SELECT d.datname, coalesce(r.rolname, s.userid::text) AS rolname, s.queryid::text AS queryid, s.userid::text AS userid, s.dbid::text AS dbid,
       s.total_exec_time, s.calls, s.rows
FROM pg_stat_statements(false) AS s
JOIN pg_database AS d ON d.oid = s.dbid
LEFT JOIN pg_roles AS r ON r.oid = s.userid
WHERE s.queryid IS NOT NULL AND s.toplevel
LIMIT 50001
