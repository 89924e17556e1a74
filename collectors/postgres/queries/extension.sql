-- Is pg_stat_statements in this database, in which schema, which version, and may we look there?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
SELECT quote_ident(n.nspname) AS schema, e.extversion AS version, has_schema_privilege(n.oid, 'USAGE') AS usable
FROM (VALUES (1)) AS always
LEFT JOIN pg_extension AS e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
