-- Which databases are there, the busiest first?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
SELECT d.datname, d.oid::bigint AS oid
FROM pg_database AS d
JOIN pg_stat_database AS s ON s.datid = d.oid
WHERE pg_has_role(current_user, 'pg_read_all_stats', 'member') OR has_database_privilege(d.oid, 'CONNECT')
ORDER BY s.xact_commit DESC, d.datname
LIMIT 500
