-- Does the server load pg_stat_statements?
-- Least version: 10. Grants: pg_monitor (without it the row is missing, without an error). Cost: 0.8 ms.
SELECT setting LIKE '%pg_stat_statements%' AS loaded
FROM pg_settings
WHERE name = 'shared_preload_libraries'
