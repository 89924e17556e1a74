-- Is pg_stat_statements in this database, and in which schema?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
SELECT e.extversion AS version, quote_ident(n.nspname) AS schema
FROM (VALUES (1)) AS always
LEFT JOIN pg_extension AS e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
