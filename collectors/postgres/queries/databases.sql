-- What is each database, how old is its oldest row, and was its checksum ever wrong?
-- Least version: 12. Grants: none. Cost: 0.2 ms.
SELECT d.datname, d.oid::bigint AS oid, d.datconnlimit,
       age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS mxid_age,
       s.checksum_failures, extract(epoch FROM s.checksum_last_failure)::float8 AS checksum_last_failure,
       extract(epoch FROM s.stats_reset)::float8 AS stats_reset
FROM pg_database AS d
JOIN pg_stat_database AS s ON s.datid = d.oid
ORDER BY d.datistemplate DESC, s.xact_commit DESC
LIMIT 500
