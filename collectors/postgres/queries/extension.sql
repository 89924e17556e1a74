-- Is pg_stat_statements in this database, in which schema and version, and does the server load it?
-- Least version: 10. Grants: pg_monitor for the setting. Cost: 0.1 ms.
SELECT e.extversion AS version, quote_ident(n.nspname) AS schema,
       coalesce(current_setting('shared_preload_libraries', true), '') LIKE '%pg_stat_statements%' AS loaded
FROM (VALUES (1)) AS always
LEFT JOIN pg_extension AS e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
