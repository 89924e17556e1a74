-- How many sessions may each role have?
-- Least version: 10. Grants: none. Cost: 0.2 ms.
SELECT rolname, rolconnlimit FROM pg_roles ORDER BY rolconnlimit = -1, rolname LIMIT 200
