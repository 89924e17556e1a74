-- What has each database done since its statistics were reset?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
-- The row without a name is the shared catalogs; templates are nobody's traffic.
SELECT d.datname, s.numbackends, s.xact_commit, s.xact_rollback, s.blks_hit, s.blks_read, s.tup_returned, s.tup_fetched,
       s.tup_inserted, s.tup_updated, s.tup_deleted, s.deadlocks, s.conflicts, s.temp_files, s.temp_bytes
FROM pg_stat_database AS s
JOIN pg_database AS d ON d.oid = s.datid
WHERE NOT d.datistemplate
LIMIT 50001
