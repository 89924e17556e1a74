-- What has each database done since its statistics were reset?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
-- All columns, so that those of a newer server are noticed. Templates are nobody's traffic.
SELECT s.*
FROM pg_stat_database AS s
JOIN pg_database AS d ON d.oid = s.datid
WHERE NOT d.datistemplate
LIMIT 100001
