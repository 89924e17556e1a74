-- Which queries did recovery cancel on this standby, and what for?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
SELECT * FROM pg_stat_database_conflicts ORDER BY datid LIMIT 500
