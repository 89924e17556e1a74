-- Which databases have no encoding, so that any text can be stored there and read there?
-- Least version: 13. Grants: none. Cost: 0.1 ms. Asked only while the texts of pg_stat_statements cannot be read.
SELECT d.datname, d.oid::bigint AS dbid, d.datallowconn AND has_database_privilege(d.oid, 'CONNECT') AS open
FROM pg_database AS d
WHERE d.encoding = 0 AND NOT d.datistemplate
ORDER BY d.datname
LIMIT 100
