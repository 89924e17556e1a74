-- Which databases could we connect to, the busiest first?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
-- A connection limit of -2 marks a database whose DROP was cut short.
SELECT d.datname
FROM pg_database AS d
LEFT JOIN pg_stat_database AS s ON s.datid = d.oid
WHERE d.datallowconn AND NOT d.datistemplate AND d.datconnlimit <> -2 AND has_database_privilege(d.oid, 'CONNECT')
ORDER BY s.xact_commit DESC NULLS LAST, d.datname
LIMIT 5000
