-- How far are vacuum, analyze, CREATE INDEX, CLUSTER, VACUUM FULL and base backups, and COPY?
-- Least version: 14. Grants: pg_monitor. Cost: 0.2 ms.
-- Names of relations are known of the connection's own database only.
SELECT DISTINCT ON (command, datname, relation, phase)
       command, coalesce(datname, '') AS datname,
       CASE WHEN datname = current_database() THEN coalesce(relid::regclass::text, '') ELSE relid::text END AS relation,
       phase, (done / nullif(whole, 0)::float8)::float8 AS done
FROM (
    SELECT 'vacuum' AS command, datname, relid, phase,
           CASE phase WHEN 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END AS done,
           heap_blks_total AS whole
    FROM pg_stat_progress_vacuum
    UNION ALL
    SELECT 'analyze', datname, relid, phase, sample_blks_scanned, sample_blks_total FROM pg_stat_progress_analyze
    UNION ALL
    SELECT lower(command), datname, relid, phase,
           CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END,
           CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END
    FROM pg_stat_progress_create_index
    UNION ALL
    SELECT lower(command), datname, relid, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_cluster
    UNION ALL
    SELECT 'base backup', NULL, 0, phase, backup_streamed, backup_total FROM pg_stat_progress_basebackup
    UNION ALL
    SELECT lower(command), datname, relid, lower(type), bytes_processed, bytes_total FROM pg_stat_progress_copy
) AS running
ORDER BY command, datname, relation, phase, done DESC
LIMIT 50
