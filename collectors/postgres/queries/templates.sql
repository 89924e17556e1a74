-- What was done in template databases and in the shared catalogs, which have no name?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
SELECT s.*, coalesce(s.datname, '') AS datname
FROM pg_stat_database AS s
LEFT JOIN pg_database AS d ON d.oid = s.datid
WHERE d.oid IS NULL OR d.datistemplate
ORDER BY s.datid
LIMIT 10
